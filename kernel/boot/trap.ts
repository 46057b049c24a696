// Report of an exception in root mode: what, where, in which wasm function, with all registers; then the core stops.

import { print, printDecimal, printHex, printLine } from "../console/print";
import { Fixed, IMAGE_BASE, KERNEL_MEMORY, KERNEL_MEMORY_PAGES, MONITOR_MEMORY, MONITOR_MEMORY_PAGES, PAGE_SIZE } from "../memory/layout";
import { load8 } from "../memory/physical";
import { FatalReason, reportFatal, stop } from "./fatal";
import { Text, isInText, printFunction, printText } from "./symbols";
import { TrapFrame } from "./trap-frame";

const INVALID_OPCODE: u64 = 6;
const PAGE_FAULT: u64 = 14;

/** Page-fault error code, SDM 3A 4.7. */
const enum PageFault {
  Present = 1 << 0,
  Write = 1 << 1,
  User = 1 << 2,
  Reserved = 1 << 3,
  Fetch = 1 << 4,
}

/** Unmapped behind each linear memory: every address that a wasm access can form lies in it or in the memory. */
const GUARD_SIZE: u64 = 8 << 30;
/** UD2, then the opcode of TEST AL, then its immediate. */
const REASON_OFFSET: u64 = 3;

/** Prints the trap frame on every console and stops this core. */
export function reportTrap(): void {
  const frame = changetype<TrapFrame>(<usize>Fixed.TrapFrame);
  reportFatal(FatalReason.Trap);
  printException(frame);
  printPlace(frame.rip);
  if (frame.vector == PAGE_FAULT) printPageFault(frame);
  if (frame.vector == INVALID_OPCODE) printWasmTrap(frame.rip);
  printRegisters(frame);
  stop();
}

function printException(frame: TrapFrame): void {
  print("  ");
  printText(Text.Exception, <u32>frame.vector);
  print(", vector ");
  printDecimal(frame.vector);
  print(", error code ");
  printHex(frame.error, 4);
  printLine();
}

function printPlace(rip: u64): void {
  print("  in ");
  if (!printFunction(rip)) print("code without a name");
  print(" at ");
  printHex(rip, 16);
  printLine();
}

function printPageFault(frame: TrapFrame): void {
  const error = <u32>frame.error;
  print("  ");
  print(error & PageFault.Fetch ? "execute" : error & PageFault.Write ? "write" : "read");
  print(" at ");
  printHex(frame.cr2, 16);
  print(error & PageFault.Reserved ? ", reserved bit set in a table" : error & PageFault.Present ? ", not permitted" : ", not mapped");
  printRegion(frame.cr2);
  printLine();
}

function printRegion(address: u64): void {
  if (isInGuard(address, KERNEL_MEMORY, KERNEL_MEMORY_PAGES)) {
    print(": guard of the kernel's linear memory, offset ");
    printHex(address - KERNEL_MEMORY, 9);
  } else if (isInGuard(address, MONITOR_MEMORY, MONITOR_MEMORY_PAGES)) {
    print(": guard of the monitor's linear memory, offset ");
    printHex(address - MONITOR_MEMORY, 9);
  }
}

function isInGuard(address: u64, linearMemory: u64, pages: u32): bool {
  const size = <u64>pages * PAGE_SIZE;
  return address >= linearMemory + size && address < linearMemory + size + GUARD_SIZE;
}

/** The TEST AL after an UD2 of wasm code tells why. */
function printWasmTrap(rip: u64): void {
  if (!isInText(rip)) return;
  print("  wasm trap: ");
  printText(Text.WasmTrap, load8(rip - IMAGE_BASE + REASON_OFFSET));
  printLine();
}

function printRegister(label: string, value: u64): void {
  print(label);
  printHex(value, 16);
}

function printRegisters(frame: TrapFrame): void {
  printRow("  rax ", frame.rax, " rbx ", frame.rbx, " rcx ", frame.rcx);
  printRow("  rdx ", frame.rdx, " rsi ", frame.rsi, " rdi ", frame.rdi);
  printRow("  rbp ", frame.rbp, " rsp ", frame.rsp, " r8  ", frame.r8);
  printRow("  r9  ", frame.r9, " r10 ", frame.r10, " r11 ", frame.r11);
  printRow("  r12 ", frame.r12, " r13 ", frame.r13, " r14 ", frame.r14);
  printRow("  r15 ", frame.r15, " rfl ", frame.rflags, " cr3 ", frame.cr3);
}

function printRow(label1: string, value1: u64, label2: string, value2: u64, label3: string, value3: u64): void {
  printRegister(label1, value1);
  printRegister(label2, value2);
  printRegister(label3, value3);
  printLine();
}
