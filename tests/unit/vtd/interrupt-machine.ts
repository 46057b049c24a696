// The kernel's interrupt remapping on a simulated machine, for tests.

import { Clock } from "../machine/clock.ts";
import { compileEntry } from "../machine/compile.ts";
import { Machine, type MachineOptions } from "../machine/machine.ts";
import type { PhysicalMemory } from "../machine/physical-memory.ts";
import { type RemappingOptions, REGISTERS_SIZE, RemappingUnit } from "../machine/remapping-unit.ts";

/** Exports of tests/fixtures/interrupts/entry.ts: u64 is a bigint (signed), u32 and overlays a number, bool 0 or 1. */
export interface InterruptExports {
  memory: WebAssembly.Memory;
  scratch(): number;
  giveFrames(base: bigint, end: bigint): void;
  tableOf(unit: number): bigint;
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
  canPost(unit: number): number;
  prepareDescriptor(descriptor: bigint, notificationVector: number, apicId: number, extended: number): void;
  takePosted(descriptor: bigint, out: number): number;
  parseDmar(): number;
  takeUnits(): number;
  addUnit(registers: bigint, segment: number): number;
  unitAt(index: number): number;
}

export function compileInterrupts(): Promise<WebAssembly.Module> {
  return compileEntry("tests/fixtures/interrupts/entry.ts");
}

/** Physical addresses of the frames that the kernel hands out. */
const FRAMES = { base: 0x1000_0000n, end: 0x1008_0000n };
const UNITS = 0xfed9_0000;

/** Registers of simulated unit `index`. */
export function registersOf(index: number): number {
  return UNITS + index * REGISTERS_SIZE;
}

/** One core with its own instance of the fixture; a wait of a second has about 2,000 looks at the clock. */
export class InterruptMachine extends Machine {
  readonly kernel: InterruptExports;
  readonly units: RemappingUnit[];

  constructor(module: WebAssembly.Module, units: RemappingOptions[] = [], options: MachineOptions = {}) {
    super({ clock: new Clock(2_000_000_000n, 1_000_000n), ...options });
    this.units = units.map((unitOptions, index) => {
      const unit = new RemappingUnit(this.memory, unitOptions);
      this.memory.addDevice(registersOf(index), REGISTERS_SIZE, unit);
      return unit;
    });
    this.kernel = this.instantiate<InterruptExports>(module);
    this.kernel.enableLocalApic();
    this.kernel.giveFrames(FRAMES.base, FRAMES.end);
  }

  get unit(): RemappingUnit {
    return this.units[0]!;
  }

  /** What the unit makes of the message for entry `index`, as devices are told to send it. */
  message(sourceId: number, index: number): ReturnType<RemappingUnit["message"]> {
    return this.unit.message(sourceId, this.kernel.messageAddress(index) >>> 0, 0);
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
