// The kernel's interrupt remapping on a simulated machine, for tests.

import { compileEntry } from "../machine/compile.ts";
import { Machine, type MachineOptions } from "../machine/machine.ts";
import type { PhysicalMemory } from "../machine/physical-memory.ts";

/** Exports of tests/fixtures/interrupts/entry.ts: u64 is a bigint (signed), u32 and overlays a number, bool 0 or 1. */
export interface InterruptExports {
  memory: WebAssembly.Memory;
  scratch(): number;
  giveFrames(base: bigint, end: bigint): void;
  // drivers
  parseMadt(bootApicId: number): number;
  findTables(rsdp: bigint): number;
  maskAll(): void;
  enableLocalApic(): void;
  // kernel/vtd
  busRangeValidation(first: number, last: number): number;
  destinationOf(apicId: number, extended: number): number;
  isDestination(apicId: number, extended: number): number;
  isValidation(validation: number): number;
  isVector(vector: number): number;
  messageAddress(index: number): number;
  postedHigh(descriptor: bigint, validation: number): bigint;
  postedLow(vector: number, descriptor: bigint, urgent: number): bigint;
  remappedLow(vector: number, destination: number, levelTriggered: number): bigint;
  sourceValidation(sourceId: number): number;
  routeHpet(comparator: number, vector: number, apicId: number): number;
  routeKernelInterrupt(irq: number, vector: number, apicId: number): number;
  allocateEntries(unit: number, count: number): number;
  clearEntry(unit: number, index: number): number;
  createInterruptTable(unit: number): number;
  startInterruptRemapping(unit: number): number;
  usesExtendedDestinations(unit: number): number;
  writeEntry(unit: number, index: number, vector: number, apicId: number, levelTriggered: number, validation: number): number;
  writePostedEntry(unit: number, index: number, vector: number, descriptor: bigint, urgent: number, validation: number): number;
  startInvalidation(unit: number): number;
  mayPost(unit: number, processorPosts: number): number;
  prepareDescriptor(descriptor: bigint, notificationVector: number, apicId: number, extended: number): void;
  takePosted(descriptor: bigint, out: number): number;
  findUnits(): number;
  addUnit(registers: bigint, segment: number): number;
  unitAt(index: number): number;
}

export function compileInterrupts(): Promise<WebAssembly.Module> {
  return compileEntry("tests/fixtures/interrupts/entry.ts");
}

/** One core with its own instance of the fixture. */
export class InterruptMachine extends Machine {
  readonly kernel: InterruptExports;

  constructor(module: WebAssembly.Module, options: MachineOptions = {}) {
    super(options);
    this.kernel = this.instantiate<InterruptExports>(module);
  }
}

/** Unsigned value of an u64 result. */
export function unsigned(value: bigint): bigint {
  return BigInt.asUintN(64, value);
}

/** The two halves of an interrupt remapping entry in memory. */
export function entryAt(memory: PhysicalMemory, table: number, index: number): { low: bigint; high: bigint } {
  return { low: memory.read(table + 16 * index, 8), high: memory.read(table + 16 * index + 8, 8) };
}
