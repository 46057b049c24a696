// The walkers of the remapping tables on a simulated machine, for tests.

import { compileEntry } from "../machine/compile.ts";
import { Machine, type MachineOptions } from "../machine/machine.ts";
import { enumReader } from "../machine/source-enums.ts";

/** Exports of tests/fixtures/walker/entry.ts: u64 is a bigint (signed), u32 a number, bool 0 or 1. */
export interface WalkerExports {
  scratch(): number;
  clearRanges(): void;
  addRange(base: bigint, end: bigint): void;
  useUnit(registers: bigint): number;
  addressWidth(): number;
  createSecondLevel(): bigint;
  mapSecondLevelWith(root: bigint, from: bigint, to: bigint, length: bigint, rights: number, largePages: number): number;
  unmapSecondLevel(root: bigint, from: bigint, length: bigint): number;
  leafAttributes(rights: number): bigint;
  checkSecondLevel(root: bigint, levels: number, grants: number, count: number, protectedRanges: number, protectedCount: number): number;
  limitLeaves(allowed: number): void;
  limitTables(end: bigint, partitionMemory: number, count: number): void;
  walkLeaves(): bigint;
  walkBytes(): bigint;
  checkDeviceTables(rootTable: bigint, isScalable: number, grants: number, count: number): number;
  checkInterruptTable(table: bigint, entries: number, grants: number, count: number, extendedMode: number): number;
  walkFailureAddress(): bigint;
  walkFailureEntry(): bigint;
  failureText(): number;
  secondLevelOffset(index: number): number;
  protectedOffset(index: number): number;
  deviceOffset(index: number): number;
  interruptOffset(index: number): number;
}

export const mapStatus = enumReader("planner/memory/page-tree.ts", "MapStatus");

/** What the walkers say, kernel/vtd/walker-failure.ts and the walkers themselves. */
export const WALK_REASONS: Readonly<Record<string, string>> = {
  Good: "",
  LevelsUnknown: "second-level tables of neither 3 nor 4 nor 5 levels",
  TableOutOfReach: "a table lies beyond the memory that can be read",
  TableExposed: "a table lies in memory that a partition or a device can write",
  TooManyTables: "too many tables map nothing",
  UnexpectedBit: "an entry has a bit that must be otherwise",
  LargeLeaf: "a leaf has a size that a unit does not know",
  NotGranted: "a leaf maps addresses that no grant holds",
  WrongAddress: "a leaf leads elsewhere than granted",
  WrongRights: "an entry has other rights than granted",
  ProtectedMapped: "a leaf leads to memory that no device may reach",
  NotMapped: "granted memory is not mapped",
  UnknownSource: "a source id that nobody owns has an entry",
  SourceMissing: "a device's source id has no entry",
  SourceTwice: "a source id is listed twice",
  DomainShared: "a domain id is reserved or stands for two partitions",
  WrongTable: "a source id has the second-level table of another",
  WrongWidth: "a source id has tables of another width",
  WrongDomain: "a source id has the domain id of another",
  WrongTranslation: "a source id has another kind of translation than granted",
  FaultsHidden: "an entry keeps faults from being recorded",
  UnknownPasid: "a PASID that nobody uses has an entry",
  UnknownInterrupt: "an interrupt entry that nobody uses is present",
  InterruptMissing: "an interrupt entry is missing",
  InterruptTwice: "an interrupt entry is listed twice",
  WrongVector: "an interrupt entry has another vector than granted",
  WrongDestination: "an interrupt entry leads to another core than granted",
  WrongTrigger: "an interrupt entry has another trigger mode than granted",
  WrongSource: "an interrupt entry belongs to another source than granted",
  SourceUnchecked: "an interrupt entry checks no source",
  WrongDescriptor: "an interrupt entry is posted elsewhere than granted",
};

/** Text of a reason by its name. */
export function walkStatus(name: string): string {
  const text = WALK_REASONS[name];
  if (text === undefined) throw new Error(`the walkers know no reason ${name}`);
  return text;
}

export const PAGE = 0x1000n;
export const MIB2 = 0x20_0000n;
export const GIB = 0x4000_0000n;

export interface Grant {
  from: bigint;
  to: bigint;
  length: bigint;
  attributes: bigint;
}

export interface Range {
  base: bigint;
  end: bigint;
}

export interface Device {
  sourceId: number;
  domainId: number;
  root: bigint;
  levels: number;
  deviceTlb: boolean;
}

export interface Interrupt {
  index: number;
  vector: number;
  destination: number;
  levelTriggered: boolean;
  sourceValidation: number;
  urgent: boolean;
  descriptor: bigint;
}

/** ECAP.C, ECAP.SC, ECAP.EIM and CAP.PI. */
export interface UnitFeatures {
  coherent?: boolean;
  snoop?: boolean;
  extendedInterrupts?: boolean;
  posted?: boolean;
}

function flag(isSet: boolean, bit: bigint): bigint {
  return isSet ? 1n << bit : 0n;
}

/** Where the frames for tables come from. */
export const FRAMES: Range = { base: 0x100_0000n, end: 0x800_0000n };

/** Parts of the scratch memory. */
const GRANTS = 0;
const PROTECTED = 0x1c000;
const PARTITION_MEMORY = 0x1e000;
const REGISTERS = 0xfed9_0000n;

export function compileWalker(): Promise<WebAssembly.Module> {
  return compileEntry("tests/fixtures/walker/entry.ts");
}

export class WalkerMachine extends Machine {
  readonly walker: WalkerExports;

  constructor(module: WebAssembly.Module, options: MachineOptions = {}) {
    super(options);
    this.walker = this.instantiate<WalkerExports>(module);
    this.walker.clearRanges();
    this.walker.addRange(FRAMES.base, FRAMES.end);
  }

  /** Makes the builder use tables of `levels` levels; `largePages` as in CAP.SLLPS. */
  useUnit(levels: number, largePages = 3, features: UnitFeatures = {}): void {
    const width = BigInt(levels * 9 + 12);
    const { coherent = false, snoop = false, extendedInterrupts = false, posted = false } = features;
    const capability = (1n << BigInt(8 + levels - 2)) | ((width - 1n) << 16n) | (BigInt(largePages) << 34n) | flag(posted, 59n);
    const extended = flag(coherent, 0n) | flag(extendedInterrupts, 4n) | flag(snoop, 7n);
    this.write(REGISTERS + 8n, capability);
    this.write(REGISTERS + 16n, extended);
    if (this.walker.useUnit(REGISTERS) !== levels) throw new Error("the builder chose another number of levels");
  }

  checkSecondLevel(root: bigint, levels: number, grants: Grant[], protectedRanges: Range[] = [FRAMES]): string {
    const words = grants.flatMap((grant) => [grant.from, grant.to, grant.length, grant.attributes]);
    const list = this.writeWords(words, GRANTS, PROTECTED - GRANTS);
    const ranges = this.writeRanges(protectedRanges, PROTECTED);
    return this.reason(this.walker.checkSecondLevel(root, levels, list, grants.length, ranges, protectedRanges.length));
  }

  checkDevices(rootTable: bigint, isScalable: boolean, devices: Device[]): string {
    const words = devices.flatMap((device) => [
      BigInt(device.sourceId) | (BigInt(device.domainId) << 32n), device.root, BigInt(device.levels) | (device.deviceTlb ? 1n << 32n : 0n),
    ]);
    return this.reason(this.walker.checkDeviceTables(rootTable, isScalable ? 1 : 0, this.writeWords(words, GRANTS, PROTECTED - GRANTS), devices.length));
  }

  checkInterrupts(table: bigint, entries: number, interrupts: Interrupt[], isExtended = true): string {
    const words = interrupts.flatMap((one) => [
      BigInt(one.index) | (BigInt(one.vector) << 32n),
      BigInt(one.destination) | (one.levelTriggered ? 1n << 32n : 0n),
      BigInt(one.sourceValidation) | (one.urgent ? 1n << 32n : 0n),
      one.descriptor,
    ]);
    const list = this.writeWords(words, GRANTS, PROTECTED - GRANTS);
    return this.reason(this.walker.checkInterruptTable(table, entries, list, interrupts.length, isExtended ? 1 : 0));
  }

  limitTables(end: bigint, partitionMemory: Range[]): void {
    this.walker.limitTables(end, this.writeRanges(partitionMemory, PARTITION_MEMORY), partitionMemory.length);
  }

  read(address: bigint): bigint {
    return this.memory.read(Number(address), 8);
  }

  write(address: bigint, value: bigint): void {
    this.memory.write(Number(address), 8, value);
  }

  /** Why a walk failed, empty if it did not. */
  private reason(isGood: number): string {
    if (isGood === 1) return "";
    const length = this.walker.failureText();
    const bytes = Buffer.from(this.view.buffer, this.walker.scratch(), length * 2);
    return bytes.toString("utf16le");
  }

  private writeRanges(ranges: Range[], offset: number): number {
    return this.writeWords(ranges.flatMap((range) => [range.base, range.end]), offset, PARTITION_MEMORY - PROTECTED);
  }

  private writeWords(words: bigint[], offset: number, limit: number): number {
    if (words.length * 8 > limit) throw new Error("more records than the scratch memory holds");
    const address = this.walker.scratch() + offset;
    words.forEach((word, i) => this.view.setBigUint64(address + 8 * i, BigInt.asUintN(64, word), true));
    return address;
  }
}

/** Physical address of the entry for `address` at `level`, found by walking down from the root. */
export function slotOf(machine: WalkerMachine, root: bigint, levels: number, address: bigint, level: number): bigint {
  let table = root;
  for (let at = levels; ; at--) {
    const slot = table + 8n * ((address >> BigInt(3 + 9 * at)) & 511n);
    if (at === level) return slot;
    table = machine.read(slot) & 0x000f_ffff_ffff_f000n;
  }
}
