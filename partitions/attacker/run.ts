// Carries out one attack and reports what came of it.

import { Hypercall } from "../../kernel/policy/layout";
import {
  Exception, execute, readCr4, readMemory32, readMsr, readPort8, vmxon, writeCr4, writeMemory32, writeMsr, writePort16,
  writePort8,
} from "../runtime/attempt";
import { parseNumber, startsWith } from "../runtime/command-line";
import { print, printBytes, printDecimal, printHex, printLine } from "../runtime/console";
import { hypercall } from "../runtime/hypervisor";
import { rdtsc, spin, spinInShadow, tripleFault } from "../runtime/processor";

const BOCHS_SHUTDOWN_PORT: u32 = 0x8900;
const CR4_VMXE: u64 = 1 << 13;
/** Page in the partition's own memory for VMXON, not used otherwise. */
const VMXON_REGION: u64 = 0x800000;
const PATTERN: u32 = 0x4b4c5542;
const COLON: u8 = 58;

const out: usize = memory.data(8, 8);

/** `word` is zero terminated; see main.ts. */
export function runAttack(word: usize): void {
  print("attack ");
  printBytes(word);
  print(": ");
  const first = operand(word, 1);
  const second = operand(word, 2);
  if (startsWith(word, "read:")) reportRead(readMemory32(first, out));
  else if (startsWith(word, "write:")) attackWrite(first);
  else if (startsWith(word, "execute:")) reportDone(execute(first));
  else if (startsWith(word, "rdmsr:")) reportRead(readMsr(<u32>first, out));
  else if (startsWith(word, "wrmsr:")) reportDone(writeMsr(<u32>first, second));
  else if (startsWith(word, "in:")) reportRead(readPort8(<u32>first, out));
  else if (startsWith(word, "out16:")) reportDone(writePort16(<u32>first, <u32>second));
  else if (startsWith(word, "out:")) reportDone(writePort8(<u32>first, <u32>second));
  else if (startsWith(word, "shutdown")) attackShutdown("Shutdown");
  else if (startsWith(word, "vmxon")) attackVmxon();
  else if (startsWith(word, "triple-fault")) attackTripleFault();
  else if (startsWith(word, "spin")) attackSpin(false);
  else if (startsWith(word, "shadow-spin")) attackSpin(true);
  else if (startsWith(word, "delay:")) delay(first);
  else print("unknown");
  printLine();
}

/** Number behind the nth colon, 0 if there is none. */
function operand(word: usize, ordinal: u32): u64 {
  for (let at = word; load<u8>(at) != 0; at++) {
    if (load<u8>(at) != COLON) continue;
    ordinal--;
    if (ordinal == 0) return parseNumber(at + 1);
  }
  return 0;
}

/** A write is judged by what reads back. */
function attackWrite(address: u64): void {
  const fault = writeMemory32(address, PATTERN);
  reportDone(fault);
  if (fault != Exception.None) return;
  print(", then ");
  reportRead(readMemory32(address, out));
}

function attackShutdown(text: string): void {
  let fault: u32 = Exception.None;
  for (let index = 0; index < text.length && fault == Exception.None; index++) {
    fault = writePort8(BOCHS_SHUTDOWN_PORT, text.charCodeAt(index));
  }
  reportDone(fault);
}

/** VMXON needs CR4.VMXE (SDM 3C 24.7); both are refused. */
function attackVmxon(): void {
  print("CR4.VMXE ");
  reportDone(writeCr4(readCr4() | CR4_VMXE));
  print(", VMXON ");
  reportDone(vmxon(VMXON_REGION));
}

/** The line ends before the attack, which does not come back. */
function attackTripleFault(): void {
  print("now");
  printLine();
  tripleFault();
}

function attackSpin(inShadow: bool): void {
  print("now");
  printLine();
  if (inShadow) spinInShadow();
  else spin();
}

/** Under Bulkhead only, which tells how fast the TSC counts. */
function delay(milliseconds: u64): void {
  const end = rdtsc() + milliseconds * hypercall(Hypercall.TscFrequency, 0, 0) / 1000;
  while (rdtsc() < end) continue;
  print("over");
}

function reportRead(fault: u32): void {
  if (fault != Exception.None) {
    reportFault(fault);
    return;
  }
  print("read ");
  printHex(load<u64>(out));
}

function reportDone(fault: u32): void {
  if (fault != Exception.None) reportFault(fault);
  else print("completed");
}

function reportFault(vector: u32): void {
  print("faulted ");
  switch (vector) {
    case Exception.InvalidOpcode: print("#UD"); return;
    case Exception.GeneralProtection: print("#GP"); return;
    case Exception.PageFault: print("#PF"); return;
    default: printDecimal(vector);
  }
}
