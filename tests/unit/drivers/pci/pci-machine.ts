// A machine with PCI functions and drivers/pci/ running on it.

import * as acpi from "../../machine/acpi-tables.ts";
import { Clock } from "../../machine/clock.ts";
import { compileEntry } from "../../machine/compile.ts";
import { Machine } from "../../machine/machine.ts";
import type { PhysicalMemory } from "../../machine/physical-memory.ts";
import { ECAM, type EcamRange, SimulatedPci } from "../../machine/pci.ts";
import { sourceId } from "../../machine/pci-function.ts";

/** Exports of tests/fixtures/pci/entry.ts: u64 is a bigint (signed), u32 a signed number, bool 0 or 1. */
export interface PciExports {
  findTables(rsdp: bigint): number;
  parseMcfg(): number;
  setTscFrequency(hertz: bigint): void;
  configPage(segment: number, sourceId: number): bigint;
  hasExtendedConfig(segment: number): number;
  configRead8(segment: number, sourceId: number, offset: number): number;
  configRead16(segment: number, sourceId: number, offset: number): number;
  configRead32(segment: number, sourceId: number, offset: number): number;
  configWrite8(segment: number, sourceId: number, offset: number, value: number): void;
  configWrite16(segment: number, sourceId: number, offset: number, value: number): void;
  configWrite32(segment: number, sourceId: number, offset: number, value: number): void;
  pageRead8(page: bigint, offset: number): number;
  pageRead16(page: bigint, offset: number): number;
  pageRead32(page: bigint, offset: number): number;
  pageWrite8(page: bigint, offset: number, value: number): void;
  pageWrite16(page: bigint, offset: number, value: number): void;
  pageWrite32(page: bigint, offset: number, value: number): void;
  capabilityAt(page: bigint, id: number): number;
  extendedCapabilityAt(page: bigint, id: number): number;
  findCapability(segment: number, sourceId: number, id: number): number;
  findExtendedCapability(segment: number, sourceId: number, id: number): number;
  scanFunctions(): number;
  scanFailure(): number;
  functionCount(): number;
  functionAt(index: number): number;
  findFunction(segment: number, sourceId: number): number;
  disableBusMastering(index: number): void;
  setBusMastering(index: number, on: boolean): void;
  openPath(index: number): void;
  isAloneBehindBridge(index: number): number;
  setCommand(page: bigint, command: number, on: boolean): void;
  setBusMasterAt(page: bigint, on: boolean): void;
  quiesceFunctions(): void;
  quiesceAt(page: bigint): void;
  hasDeviceTlb(page: bigint): number;
  setDeviceTlbAt(page: bigint, on: boolean): number;
  groupFunctions(): void;
  aliasAt(index: number, n: number): number;
  aliasCount(index: number): number;
  sizeBars(index: number): number;
  barSharesPage(index: number, bar: number): number;
  barRecord(bar: number): number;
  resetMethod(index: number): number;
  resetFunction(index: number): number;
  resetMethodAt(page: bigint, bridge: bigint): number;
  resetFunctionAt(page: bigint, bridge: bigint): number;
  msiCapacity(page: bigint): number;
  programMsiAt(page: bigint, address: bigint, data: number): number;
  enableMsiAt(page: bigint, on: boolean): number;
  msixEntries(page: bigint): number;
  enableMsixAt(page: bigint, on: boolean): number;
  writeMsixEntry(table: bigint, entry: number, address: bigint, data: number): void;
  maskMsixEntry(table: bigint, entry: number, masked: boolean): void;
  messageCapacity(index: number): number;
  programMsi(index: number, address: bigint, data: number): number;
  enableMsi(index: number, on: boolean): number;
  msixTableAddress(index: number): bigint;
  programMsix(index: number, entry: number, address: bigint, data: number): number;
  enableMsix(index: number, on: boolean): number;
}

export const NONE = 0xffff_ffff;
const FREQUENCY = 2_000_000_000n;
const TABLES = 0x7fe_0000;

export function compilePci(): Promise<WebAssembly.Module> {
  return compileEntry("tests/fixtures/pci/entry.ts");
}

/** Record of the function table, PciFunction in planner/drivers/pci/table.ts. */
export interface FunctionRecord {
  page: bigint;
  segment: number;
  sourceId: number;
  vendor: number;
  classCode: number;
  headerType: number;
  expressType: number;
  secondaryBus: number;
  subordinateBus: number;
  parent: number;
  group: number;
  accessControl: number;
}

/** One core with an instance of drivers/pci/. Cores that share `memory` and `clock` see the same functions. */
export class PciCore extends Machine {
  readonly driver: PciExports;

  constructor(module: WebAssembly.Module, options: { clock?: Clock; memory?: PhysicalMemory } = {}) {
    super({ clock: new Clock(FREQUENCY, 20_000n), ...options });
    this.driver = this.instantiate<PciExports>(module);
    this.driver.setTscFrequency(FREQUENCY);
  }
}

export class PciMachine extends PciCore {
  readonly pci: SimulatedPci;

  constructor(module: WebAssembly.Module, ranges: EcamRange[] = [ECAM]) {
    super(module);
    this.pci = new SimulatedPci(this, ranges);
    const tables = ranges.length === 0 ? [] : [this.pci.mcfg()];
    this.driver.findTables(BigInt(acpi.placeTables(this.memory, TABLES, tables)));
    this.driver.parseMcfg();
  }

  /** Index of the function at "bus:device.function" in the table of the last scan. */
  indexOf(address: string, segment = 0): number {
    const index = this.driver.findFunction(segment, sourceId(address)) >>> 0;
    if (index === NONE) throw new Error(`the scan did not find ${address}`);
    return index;
  }

  record(index: number): FunctionRecord {
    const at = this.driver.functionAt(index);
    const field = (offset: number): number => this.view.getUint32(at + offset, true);
    return {
      page: this.view.getBigUint64(at, true), segment: field(8), sourceId: field(12), vendor: field(16), classCode: field(20),
      headerType: field(24), expressType: field(28), secondaryBus: field(32), subordinateBus: field(36), parent: field(40),
      group: field(44), accessControl: field(48),
    };
  }

  /** Source ids of the aliases of a function. */
  aliases(index: number): number[] {
    return Array.from({ length: this.driver.aliasCount(index) }, (_, n) => this.driver.aliasAt(index, n));
  }

  /** BARs of the last sizeBars(). */
  bars(): { address: bigint; size: bigint; flags: number }[] {
    return Array.from({ length: 6 }, (_, bar) => {
      const at = this.driver.barRecord(bar);
      return { address: this.view.getBigUint64(at, true), size: this.view.getBigUint64(at + 8, true), flags: this.view.getUint32(at + 16, true) };
    });
  }
}
