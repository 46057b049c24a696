// What test kernels for virtual machines expect beside a PC's devices, as QEMU's isa-debug-exit and pc-testdev have it:
// a port that ends the run with a status, ports that drive interrupt lines, and memory that is reached by exits only. With it comes
// the firmware configuration device (fw-cfg/), from which they take the number of processors.

import { hasDevice } from "../configuration";
import { Device, PartitionRequest, TEST_MEMORY_BASE, TEST_MEMORY_SIZE } from "../interface";
import { setIoApicLine } from "./io-apic";
import { setInterruptLine } from "./interrupt-lines";
import { requestPartition } from "./partition-request";
import { putDecimal, putText } from "./rings";

const enum TestPort {
  /** Four bytes that keep what is written. */
  Data = 0xe0,
  /** A page whose mapping is to be flushed; nothing here keeps one. */
  FlushPage = 0xe4,
  Byte = 0xe8,
  LastData = Byte,
  /** Powers the partition off with a status. */
  Exit = 0xf4,
  LastExit = 0xf7,
  /** One port for each interrupt line. */
  Lines = 0x2000,
  LastLine = 0x2017,
}

const ISA_LINES: u32 = 16;

const bytes: usize = memory.data(16, 4);
const pages: usize = memory.data(4096, 8); // TEST_MEMORY_SIZE

export function resetTestDevice(): void {
  memory.fill(bytes, 0, 16);
  memory.fill(pages, 0, <usize>TEST_MEMORY_SIZE);
}

// @ts-ignore: decorator
@inline export function isTestPort(port: u32): bool {
  if (!hasDevice(Device.Test)) return false;
  return isWithin(port, TestPort.Data, TestPort.LastData) || isWithin(port, TestPort.Exit, TestPort.LastExit) || isWithin(port, TestPort.Lines, TestPort.LastLine);
}

function isWithin(port: u32, first: u32, last: u32): bool {
  return port >= first && port <= last;
}

/** Reads up to 4 bytes at `port`, the lowest first. */
export function readTestPort(port: u32): u32 {
  return port <= <u32>TestPort.LastData ? load<u32>(bytes + (port - TestPort.Data)) : 0;
}

export function writeTestPort(port: u32, size: u32, value: u32): void {
  if (port >= <u32>TestPort.Lines) return setLine(port - TestPort.Lines, value != 0);
  if (port >= <u32>TestPort.Exit) return end(value);
  for (let index: u32 = 0; index < size; index++) store<u8>(bytes + (port - TestPort.Data) + index, <u8>(value >> (index << 3)));
}

/** Test kernels raise and lower a line while interrupts are closed and count on the request, which QEMU's 8259A keeps. */
function setLine(line: u32, isHigh: bool): void {
  if (line < ISA_LINES) setInterruptLine(line, isHigh, true);
  else setIoApicLine(line, isHigh);
}

function end(status: u32): void {
  putText("test device: exit status ");
  putDecimal(status);
  putText("\n");
  requestPartition(PartitionRequest.PowerOff);
}

// @ts-ignore: decorator
@inline export function isTestMemory(gpa: u64, size: u32): bool {
  return hasDevice(Device.Test) && gpa >= TEST_MEMORY_BASE && gpa + size <= TEST_MEMORY_BASE + TEST_MEMORY_SIZE;
}

/** Reads up to 8 bytes, the lowest first. */
export function readTestMemory(gpa: u64, size: u32): u64 {
  let value: u64 = 0;
  for (let index: u32 = 0; index < size; index++) value |= <u64>load<u8>(pages + <usize>(gpa - TEST_MEMORY_BASE) + index) << (index << 3);
  return value;
}

export function writeTestMemory(gpa: u64, size: u32, value: u64): void {
  for (let index: u32 = 0; index < size; index++) store<u8>(pages + <usize>(gpa - TEST_MEMORY_BASE) + index, <u8>(value >> (index << 3)));
}
