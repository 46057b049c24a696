// The line of a check.

import { Exception, readMsr, writeMsr } from "../runtime/attempt";
import { print, printHex, printLine } from "../runtime/console";

const scratch: usize = memory.data(8, 8);

/** One line: whether `found` is `expected`. */
export function check(name: string, found: u64, expected: u64): void {
  print("check ");
  print(name);
  if (found == expected) {
    print(": ok");
  } else {
    print(": failed, ");
    printHex(found);
    print(" instead of ");
    printHex(expected);
  }
  printLine();
}

export function checkTrue(name: string, holds: bool): void {
  check(name, holds ? 1 : 0, 1);
}

/** The instruction was carried out; `fault` is the vector that it met. */
export function checkDone(name: string, fault: u32): void {
  check(name, fault, Exception.None);
}

export function checkUndefined(name: string, fault: u32): void {
  check(name, fault, Exception.InvalidOpcode);
}

export function checkProtected(name: string, fault: u32): void {
  check(name, fault, Exception.GeneralProtection);
}

/** Value of an MSR that must exist; all ones if it does not. */
export function msr(index: u32): u64 {
  return readMsr(index, scratch) == Exception.None ? load<u64>(scratch) : u64.MAX_VALUE;
}

/** Writes a value, expects to read it back, and restores what was there. */
export function checkKept(name: string, index: u32, value: u64): void {
  const before = msr(index);
  const fault = writeMsr(index, value);
  check(name, fault == Exception.None ? msr(index) : <u64>fault, value);
  writeMsr(index, before);
}

/** #GP, and the register is as before. */
export function checkRefused(name: string, index: u32, value: u64): void {
  const before = msr(index);
  const fault = writeMsr(index, value);
  check(name, msr(index) == before ? <u64>fault : u64.MAX_VALUE, Exception.GeneralProtection);
}
