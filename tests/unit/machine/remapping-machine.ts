// A machine with simulated remapping units and the kernel's functions for them, for tests.

import { Clock } from "./clock.ts";
import { compileEntry } from "./compile.ts";
import { Machine } from "./machine.ts";
import { type RemappingOptions, REGISTERS_SIZE, RemappingUnit } from "./remapping-unit.ts";

/** Exports of tests/fixtures/remapping/entry.ts: u64 is a bigint (signed), u32 a number, bool 0 or 1; `unit` is unitPointer(). */
export interface RemappingExports {
  memory: WebAssembly.Memory;
  openConsoles(wanted: number): number;
  setTscFrequency(hertz: bigint): void;
  addRange(base: bigint, end: bigint): void;
  clearRanges(): void;
  setBase(policy: bigint): void;
  attachSource(unit: number, sourceId: number, domain: number, root: bigint, deviceTlb: number): number;
  detachSource(unit: number, sourceId: number, domain: number, suppress: number): number;
  makeContextTable(unit: number, sourceId: number): number;
  setGlobal(unit: number, bit: number, on: number): number;
  domainRoot(partition: number): bigint;
  grantMemory(partition: number, from: bigint, to: bigint, length: bigint): number;
  drainFaults(unit: number): number;
  startFaultEvents(unit: number, apicId: number, vector: number): void;
  unmaskFaultEvents(): number;
  violationsOf(partition: number): number;
  invalidateContext(unit: number, domain: number, sourceId: number): number;
  invalidateContexts(unit: number): number;
  invalidateDeviceTlb(unit: number, sourceId: number): number;
  invalidateInterruptEntries(unit: number, index: number, count: number): number;
  invalidateInterrupts(unit: number): number;
  invalidatePasidCache(unit: number, domain: number): number;
  invalidateTlb(unit: number): number;
  invalidateTlbDomain(unit: number, domain: number): number;
  invalidateTlbPages(unit: number, domain: number, address: bigint, length: bigint): number;
  startInvalidation(unit: number): number;
  allocateEntries(unit: number, count: number): number;
  clearEntry(unit: number, index: number): number;
  createInterruptTable(unit: number): number;
  startInterruptRemapping(unit: number): number;
  writeEntry(unit: number, index: number, vector: number, apicId: number, level: number, validation: number): number;
  rangeUnmapped(domain: number, partition: number, address: bigint, length: bigint): number;
  unmapSecondLevel(root: bigint, from: bigint, length: bigint): number;
  chooseMode(scalable: number): void;
  prepareUnits(): number;
  startTranslation(unit: number): number;
  addSource(segment: number, sourceId: number, unit: number, partition: number): number;
  addUnitAt(registers: bigint, segment: number): number;
  unitPointer(index: number): number;
  unitQueue(index: number): bigint;
  unitQueueErrors(index: number): number;
  unitFaults(index: number): number;
  setScalable(index: number, scalable: number): void;
  setDeviceTlb(source: number, on: number): void;
  sourceFaults(source: number): number;
  sourceIsOff(source: number): number;
}

const DEBUG_CONSOLE = 1;
const REGISTERS = 0xfed9_0000;
const POLICY = 0x200_0000;
const FRAMES = { base: 0x1000_0000n, end: 0x1800_0000n };
/** Offset of the first partition's record in policy.bin, and the size of one. */
const PARTITIONS = 0x40;
const PARTITION_SIZE = 0x80;

/** Compiles the functions once for all test files. */
export function compileRemapping(): Promise<WebAssembly.Module> {
  return compileEntry("tests/fixtures/remapping/entry.ts");
}

export class RemappingMachine extends Machine {
  readonly kernel: RemappingExports;
  readonly units: RemappingUnit[];

  /** One simulated unit for each entry of `units`; partitions 0 and 1 are called alpha and beta. A second has 2,000 looks at the clock. */
  constructor(module: WebAssembly.Module, units: RemappingOptions[] = [{}], clock = new Clock(2_000_000_000n, 1_000_000n)) {
    super({ clock });
    this.units = units.map((options, i) => {
      const unit = new RemappingUnit(this.memory, options);
      this.memory.addDevice(REGISTERS + i * REGISTERS_SIZE, REGISTERS_SIZE, unit);
      return unit;
    });
    this.kernel = this.instantiate<RemappingExports>(module);
    this.kernel.openConsoles(DEBUG_CONSOLE);
    this.kernel.setTscFrequency(clock.frequency);
    this.kernel.clearRanges();
    this.kernel.addRange(FRAMES.base, FRAMES.end);
    ["alpha", "beta"].forEach((name, i) => this.memory.writeBytes(POLICY + PARTITIONS + i * PARTITION_SIZE, Buffer.from(name)));
    this.kernel.setBase(BigInt(POLICY));
    units.forEach((_, i) => this.kernel.addUnitAt(BigInt(REGISTERS + i * REGISTERS_SIZE), 0));
  }

  get unit(): RemappingUnit {
    return this.units[0]!;
  }

  /** What the functions take for unit `index`. */
  pointer(index = 0): number {
    return this.kernel.unitPointer(index);
  }

  /** Lines on the debug console, without what the console itself puts before them. */
  get lines(): string[] {
    return this.debugConsole.output.split(/\r?\n/).filter((line) => line !== "").map((line) => line.replace("[bulkhead] ", ""));
  }

  /** All units translate in the given mode, with empty tables. */
  start(scalable = false): void {
    this.kernel.chooseMode(scalable ? 1 : 0);
    const { prepareUnits, startTranslation, startInterruptRemapping } = this.kernel;
    const pointers = this.units.map((_, i) => this.pointer(i));
    const started = [prepareUnits(), ...pointers.map((unit) => startTranslation(unit)), ...pointers.map((unit) => startInterruptRemapping(unit))];
    if (started.some((isDone) => isDone !== 1)) throw new Error(`units did not start: ${started.join(" ")}`);
  }
}
