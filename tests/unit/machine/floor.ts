// The kernel's floor on a simulated machine, for tests.

import { compileEntry } from "./compile.ts";
import { Machine, type MachineOptions } from "./machine.ts";

/** Exports of tests/fixtures/floor/entry.ts: u64 is a bigint (signed), u32 a number, bool 0 or 1. */
export interface FloorExports {
  memory: WebAssembly.Memory;
  scratch(): number;
  // kernel/boot
  parse(information: bigint): number;
  moduleCount(): number;
  moduleAddress(index: number): bigint;
  moduleSize(index: number): bigint;
  memoryMapCount(): number;
  memoryMapBase(index: number): bigint;
  memoryMapLength(index: number): bigint;
  memoryMapType(index: number): number;
  rsdpAddress(): bigint;
  commandLineSize(): number;
  informationAddress(): bigint;
  informationLength(): bigint;
  hasStrict(): number;
  hasVerboseLevel2(): number;
  reportTrap(): void;
  fatal(reason: number): void;
  startCore(index: number, pml4: bigint, plan: bigint): number;
  // kernel/console
  selectedConsoles(): number;
  openConsoles(wanted: number): number;
  flush(): void;
  printBytes(address: number, length: number): void;
  printDecimal(value: bigint): void;
  printHex(value: bigint, digits: number): void;
  printLine(): void;
  printDirectly(): void;
  ringPages(cores: number): number;
  placePartitions(plan: bigint, policy: bigint, count: number): void;
  createRings(frames: bigint, cores: number): void;
  attachRings(frames: bigint, core: number): void;
  registerPartition(index: number, name: bigint, apicId: number): void;
  giveKeyboard(index: number): void;
  putPartitionByte(partition: number, byte: number): number;
  takeInput(partition: number): number;
  drainRings(): void;
  drainCompletely(): void;
  onInputInterrupt(): void;
  startInput(): void;
  // kernel/memory
  initialiseFrames(): number;
  allocate(pages: number, alignmentPages: number): bigint;
  allocateLarge(length: bigint): bigint;
  freeBytes(): bigint;
  clearRanges(): void;
  addRange(base: bigint, end: bigint): void;
  subtractRange(base: bigint, end: bigint): void;
  takeLowest(length: bigint, alignment: bigint): bigint;
  rangesSize(): bigint;
  rangesOverflowed(): number;
  createTables(): bigint;
  mapRange(pml4: bigint, virtual: bigint, physical: bigint, length: bigint, attributes: bigint, largePages: number): number;
  buildCoreTables(pml4: bigint, largePages: number): number;
  leafBits(mapping: number): bigint;
  createEpt(): bigint;
  mapEpt(root: bigint, gpa: bigint, hpa: bigint, length: bigint, rights: number, memoryType: number, largePages: number): number;
  clearGrants(): void;
  addGrant(from: bigint, to: bigint, length: bigint, attributes: bigint): void;
  grantsOverflowed(): number;
  clearClaims(): void;
  claim(base: bigint, length: bigint): void;
  checkTree(root: bigint, levels: number, present: bigint, pointer: bigint): number;
  sealFailureAddress(): bigint;
  // drivers
  findRsdp(): bigint;
  findTables(rsdp: bigint): number;
  findTable(signature: number): bigint;
  tableStatus(signature: number): number;
  tableCount(): number;
  parseMadt(bootApicId: number): number;
  coreCount(): number;
  coreApicId(index: number): number;
  coresIgnored(): number;
  ioApicCount(): number;
  ioApicAddress(index: number): bigint;
  ioApicBase(index: number): number;
  ioApicIdentifier(index: number): number;
  interruptOverride(irq: number): number;
  interruptFlags(irq: number): number;
  parseFadt(): number;
  pmTimerPort(): number;
  pmTimerHas32Bits(): number;
  pm1aControlPort(): number;
  pm1bControlPort(): number;
  dsdtAddress(): bigint;
  hpetAddress(): bigint;
  hpetNumber(): number;
  findSleepState(): number;
  s5TypeA(): number;
  s5TypeB(): number;
  calibrateTsc(): bigint;
  calibrationClock(): number;
  tscFrequency(): bigint;
  setTscFrequency(hertz: bigint): void;
  delayMicroseconds(microseconds: bigint): void;
  describePowerOff(record: bigint): number;
  powerOffMachine(record: bigint): void;
  enableLocalApic(): void;
  identifier(): number;
  endOfInterrupt(): void;
  usesMsrs(): number;
  sendInit(apicId: number): number;
  sendStartup(apicId: number, page: number): number;
  sendFixed(apicId: number, vector: number): number;
  routeComparator(comparator: number, address: number, data: number): number;
  isaIsLevel(irq: number): number;
  maskAll(): void;
  routeIsa(irq: number, vector: number, apicId: number): number;
  routeIsaRemapped(irq: number, vector: number, index: number): number;
  disablePic(): void;
}

/** Compiles the floor once for all test files. */
export function compileFloor(): Promise<WebAssembly.Module> {
  return compileEntry("tests/fixtures/floor/entry.ts");
}

/** One core of a machine with its own instance of the floor. */
export class FloorMachine extends Machine {
  readonly floor: FloorExports;

  constructor(module: WebAssembly.Module, options: MachineOptions = {}) {
    super(options);
    this.floor = this.instantiate<FloorExports>(module);
  }

  /** Prints a line as the kernel does. */
  printLine(text: string): void {
    Buffer.from(this.view.buffer).write(text, this.floor.scratch(), "latin1");
    this.floor.printBytes(this.floor.scratch(), text.length);
    this.floor.printLine();
  }

  /** Writes u64 numbers to the scratch memory at `offset` and returns their address. */
  writeWords(words: bigint[], offset = 0): number {
    const address = this.floor.scratch() + offset;
    words.forEach((word, i) => this.view.setBigUint64(address + 8 * i, BigInt.asUintN(64, word), true));
    return address;
  }
}

/** Unsigned value of an u64 result. */
export function unsigned(value: bigint): bigint {
  return BigInt.asUintN(64, value);
}
