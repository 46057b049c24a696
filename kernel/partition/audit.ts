// One line for each thing a partition tried and may not do: partition, core, RIP and what. Repetitions are counted only.

import { coreId } from "../boot/stub";
import { Text, printText } from "../boot/symbols";
import { print, printDecimal, printHex, printLine } from "../console/print";
import { instructionPointer } from "../cpu/backend";
import { currentPartition, currentVcpu, printPartitionName } from "./current";
import { countViolation } from "./status-page";

const enum Kind { Instruction = 1, PortRead = 2, PortWrite = 3, MsrRead = 4, MsrWrite = 5, Memory = 6, Hypercall = 7, Fault = 8 }

/** Different violations of a partition that get a line of their own; beyond them violations are only counted. */
const REMEMBERED: u32 = 64;
const remembered: usize = memory.data(512, 8);
let rememberedCount: u32 = 0;

/** `reason`: the exit reason that names the instruction. */
export function auditInstruction(reason: u32): void {
  if (!open(Kind.Instruction, reason)) return;
  print("executed ");
  printText(Text.ExitReason, reason);
  close();
}

export function auditPort(port: u32, size: u32, isRead: bool): void {
  if (!open(isRead ? Kind.PortRead : Kind.PortWrite, port)) return;
  print(isRead ? "read " : "wrote ");
  printDecimal(size);
  print(size == 1 ? " byte at port " : " bytes at port ");
  printHex(port, 4);
  close();
}

export function auditMsr(index: u32, isRead: bool): void {
  if (!open(isRead ? Kind.MsrRead : Kind.MsrWrite, index)) return;
  print(isRead ? "read MSR " : "wrote MSR ");
  printHex(index, 8);
  close();
}

export const enum MemoryAccess { Read = 0, Write = 1, Execute = 2 }

/** One line a page and kind of access. */
export function auditMemory(gpa: u64, access: MemoryAccess): void {
  if (!open(Kind.Memory, (gpa >> 12 << 2) | <u64>access)) return;
  print(access == MemoryAccess.Execute ? "executed at " : access == MemoryAccess.Write ? "wrote " : "read ");
  print("guest-physical ");
  printHex(gpa, 12);
  print(", which is not its memory");
  close();
}

export function auditHypercall(number: u64): void {
  if (!open(Kind.Hypercall, number)) return;
  print("called hypercall ");
  printDecimal(number);
  close();
}

/** The partition cannot go on; `reason` is a StopReason. */
export function auditFault(reason: u32): void {
  if (!open(Kind.Fault, reason)) return;
  printText(Text.StopReason, reason);
  close();
}

/** Starts the line; false if this violation, or too many others, had one already. */
function open(kind: Kind, what: u64): bool {
  countViolation(currentPartition(), currentVcpu());
  const key = (<u64>kind << 60) | (what & 0x0fffffffffffffff);
  for (let i: u32 = 0; i < rememberedCount; i++) {
    if (load<u64>(remembered + (i << 3)) == key) return false;
  }
  if (rememberedCount == REMEMBERED) return false;
  store<u64>(remembered + (rememberedCount << 3), key);
  rememberedCount++;
  print("audit: ");
  printPartitionName(currentPartition());
  print(" core ");
  printDecimal(coreId());
  print(" RIP ");
  printHex(instructionPointer(), 16);
  print(": ");
  return true;
}

function close(): void {
  if (rememberedCount == REMEMBERED) print("; further ones are only counted");
  printLine();
}
