// monitor.wasm in Node, with simulated guest memory, images and clock.

import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import path from "node:path";
import { compileAssemblyScript } from "../../../scripts/build/assemblyscript.ts";
import { buildDirectory } from "../../../scripts/build/paths.ts";
import { projectDirectory } from "../../../scripts/policy/project.ts";
import { LOCAL_VECTOR, AccessStatus, Device, DiskFlag, HIGH_MEMORY_BASE, ImageKind, INPUT_RING, Mailbox, OUTPUT_RING, VcpuMailbox, VIRTUAL_APIC_BASE } from "../../../monitor/interface.ts";

/** Entry points of monitor/main.ts and of tests/fixtures/monitor/entry.ts; u64 is a bigint, u32 a number. */
export interface MonitorExports {
  memory: WebAssembly.Memory;
  start(): number;
  portRead(vcpu: number, port: number, size: number): number;
  portWrite(vcpu: number, port: number, size: number, value: number): void;
  portString(vcpu: number, port: number, size: number, isWrite: number, isRepeated: number, information: number): void;
  msrRead(vcpu: number, index: number): bigint;
  msrWrite(vcpu: number, index: number, value: bigint): void;
  memoryAccess(vcpu: number, gpa: bigint, isWrite: number): void;
  taskPriorityRead(vcpu: number): number;
  taskPriorityWrite(vcpu: number, value: number): void;
  acknowledge(vcpu: number): number;
  acknowledgeNmi(vcpu: number): void;
  interruptStatus(vcpu: number): number;
  apicWrite(vcpu: number, offset: number): void;
  apicEndOfInterrupt(vcpu: number, vector: number): void;
  timer(vcpu: number): void;
  input(vcpu: number): void;
  deviceMessage(vcpu: number, functionIndex: number, message: number): void;
  memoryRead(vcpu: number, gpa: bigint, size: number): bigint;
  memoryWrite(vcpu: number, gpa: bigint, size: number, value: bigint): void;
}

export interface MonitorOptions {
  /** Mask of Device; all by default. */
  devices?: number;
  vcpus?: number;
  /** Hz. */
  tscFrequency?: bigint;
  /** TSC when the partition starts. */
  tsc?: bigint;
  /** Seconds since 1970. */
  wallClock?: bigint;
  imageKind?: ImageKind;
  /** Mask of ApicFeature; none by default. */
  apicFeatures?: number;
  /** Bytes. */
  lowMemory?: number;
  /** Bytes. */
  highMemory?: number;
  kernel?: Uint8Array;
  initialRamDisk?: Uint8Array;
  commandLine?: string;
  disk?: Uint8Array;
  isDiskReadOnly?: boolean;
}

export const ALL_DEVICES = Device.LocalApic | Device.IoApic | Device.Pic | Device.Pit | Device.Uart | Device.Rtc | Device.PowerManagement | Device.Pci;
/** Index of the disk among the images. */
const DISK = 3;
export const NEVER = 0xffff_ffff_ffff_ffffn;

const monitorDirectory = path.join(projectDirectory, "monitor");
const fixtureEntry = "tests/fixtures/monitor/entry.ts";

/** Digest of all that the module is made of. */
function sourceDigest(): string {
  const hash = createHash("sha256");
  const files = readdirSync(monitorDirectory, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ts")).sort();
  for (const name of files) hash.update(name).update(readFileSync(path.join(monitorDirectory, name)));
  hash.update(readFileSync(path.join(projectDirectory, fixtureEntry))).update(readFileSync(path.join(projectDirectory, "asconfig.json")));
  return hash.digest("hex").slice(0, 16);
}

/** Compiles the monitor, or takes what was compiled from the same sources before. */
export async function compileMonitor(): Promise<WebAssembly.Module> {
  const file = path.join(buildDirectory, "tests", `monitor-${sourceDigest()}.wasm`);
  if (!existsSync(file)) {
    const { optimised } = await compileAssemblyScript(fixtureEntry, "monitor");
    mkdirSync(path.dirname(file), { recursive: true });
    const temporary = `${file}.${process.pid}`;
    writeFileSync(temporary, optimised);
    renameSync(temporary, file); // test files run side by side
  }
  return new WebAssembly.Module(readFileSync(file));
}

/** One partition's monitor and what surrounds it. */
export class SimulatedPartition {
  readonly monitor: MonitorExports;
  readonly lowMemory: Buffer;
  readonly highMemory: Buffer;
  readonly images: Buffer[];
  /** TSC that the monitor sees. */
  tsc: bigint;
  readonly tscFrequency: bigint;
  #outputTaken = 0;

  constructor(module: WebAssembly.Module, options: MonitorOptions = {}) {
    this.tsc = options.tsc ?? 1_000_000_000n;
    this.tscFrequency = options.tscFrequency ?? 1_000_000_000n;
    this.lowMemory = Buffer.alloc(options.lowMemory ?? 2 << 20);
    this.highMemory = Buffer.alloc(options.highMemory ?? 0);
    this.images = [options.kernel ?? [], options.initialRamDisk ?? [], Buffer.from(options.commandLine ?? "", "latin1"), options.disk ?? []].map((image) => Buffer.from(image));
    const imports = { guest: this.#guestImports(), image: this.#imageImports(), time: { now: () => this.tsc } };
    this.monitor = new WebAssembly.Instance(module, imports).exports as unknown as MonitorExports;
    this.poke32(Mailbox.VcpuCount, options.vcpus ?? 1);
    this.poke32(Mailbox.Devices, options.devices ?? ALL_DEVICES);
    this.poke32(Mailbox.DiskFlags, options.isDiskReadOnly === true ? DiskFlag.ReadOnly : 0);
    this.poke32(Mailbox.ApicFeatures, options.apicFeatures ?? 0);
    this.poke32(Mailbox.ImageKind, options.imageKind ?? ImageKind.BzImage);
    this.poke64(Mailbox.TscFrequency, this.tscFrequency);
    this.poke64(Mailbox.LowMemory, BigInt(this.lowMemory.length));
    this.poke64(Mailbox.HighMemory, BigInt(this.highMemory.length));
    this.poke64(Mailbox.WallClock, options.wallClock ?? 0n);
  }

  // Mailbox, as the kernel reaches it.

  get #mailbox(): DataView {
    return new DataView(this.monitor.memory.buffer, 0, Mailbox.Size);
  }

  peek32(offset: number): number {
    return this.#mailbox.getUint32(offset, true);
  }

  peek64(offset: number): bigint {
    return this.#mailbox.getBigUint64(offset, true);
  }

  poke32(offset: number, value: number): void {
    this.#mailbox.setUint32(offset, value, true);
  }

  poke64(offset: number, value: bigint): void {
    this.#mailbox.setBigUint64(offset, value, true);
  }

  #vcpu(vcpu: number, field: VcpuMailbox): number {
    return Mailbox.Vcpus + vcpu * VcpuMailbox.Size + field;
  }

  pendingVector(vcpu = 0): number {
    return (this.peek32(this.#vcpu(vcpu, VcpuMailbox.PendingVector)) & ~LOCAL_VECTOR) >>> 0;
  }

  pendingNmi(vcpu = 0): number {
    return this.peek32(this.#vcpu(vcpu, VcpuMailbox.PendingNmi));
  }

  deadline(vcpu = 0): bigint {
    return this.peek64(this.#vcpu(vcpu, VcpuMailbox.Deadline));
  }

  /** IA32_APIC_BASE as the kernel answers it without a call. */
  apicBase(vcpu = 0): bigint {
    return this.peek64(this.#vcpu(vcpu, VcpuMailbox.ApicBase));
  }

  /** What the processor does when it virtualises a write. */
  setPageRegister(offset: number, value: number, vcpu = 0): void {
    new DataView(this.monitor.memory.buffer).setUint32(VIRTUAL_APIC_BASE + vcpu * 0x1000 + offset, value, true);
  }

  /** VirtualApicMode of a vCPU. */
  apicMode(vcpu = 0): number {
    return this.peek32(this.#vcpu(vcpu, VcpuMailbox.ApicMode));
  }

  /** A register in the virtual-APIC page, where kernel and processor find it. */
  pageRegister(offset: number, vcpu = 0): number {
    return new DataView(this.monitor.memory.buffer).getUint32(VIRTUAL_APIC_BASE + vcpu * 0x1000 + offset, true);
  }

  startRequest(vcpu: number): { start: number; vector: number } {
    return { start: this.peek32(this.#vcpu(vcpu, VcpuMailbox.Start)), vector: this.peek32(this.#vcpu(vcpu, VcpuMailbox.StartVector)) };
  }

  get request(): number {
    return this.peek32(Mailbox.Request);
  }

  get status(): AccessStatus {
    return this.peek32(Mailbox.Status);
  }

  /** Takes all that waits in the output ring. */
  takeOutput(): string {
    const head = this.peek32(Mailbox.OutputHead);
    const bytes: number[] = [];
    for (; this.#outputTaken !== head; this.#outputTaken++) bytes.push(this.#mailbox.getUint8(Mailbox.OutputRing + (this.#outputTaken % OUTPUT_RING)));
    this.poke32(Mailbox.OutputTail, this.#outputTaken);
    return Buffer.from(bytes).toString("latin1");
  }

  /** Types into the console. */
  type(text: string): void {
    for (const byte of Buffer.from(text, "latin1")) {
      const head = this.peek32(Mailbox.InputHead);
      this.#mailbox.setUint8(Mailbox.InputRing + (head % INPUT_RING), byte);
      this.poke32(Mailbox.InputHead, head + 1);
    }
    this.monitor.input(0);
  }

  // Accesses of the guest by vCPU 0 unless told otherwise.

  in8(port: number): number {
    return this.monitor.portRead(0, port, 1);
  }

  in32(port: number): number {
    return this.monitor.portRead(0, port, 4) >>> 0;
  }

  out8(port: number, value: number): void {
    this.monitor.portWrite(0, port, 1, value);
  }

  out16(port: number, value: number): void {
    this.monitor.portWrite(0, port, 2, value);
  }

  out32(port: number, value: number): void {
    this.monitor.portWrite(0, port, 4, value);
  }

  read32(gpa: bigint, vcpu = 0): number {
    return Number(BigInt.asUintN(32, this.monitor.memoryRead(vcpu, gpa, 4)));
  }

  write32(gpa: bigint, value: number, vcpu = 0): void {
    this.monitor.memoryWrite(vcpu, gpa, 4, BigInt(value >>> 0));
  }

  readMsr(index: number, vcpu = 0): bigint {
    return BigInt.asUintN(64, this.monitor.msrRead(vcpu, index));
  }

  writeMsr(index: number, value: bigint, vcpu = 0): void {
    this.monitor.msrWrite(vcpu, index, value);
  }

  // Time.

  /** TSC ticks in `microseconds`. */
  ticks(microseconds: number): bigint {
    return (this.tscFrequency * BigInt(microseconds)) / 1_000_000n;
  }

  /** Lets time pass as the kernel does: timer() is called at each deadline of a vCPU on the way. */
  advance(ticks: bigint): void {
    const end = this.tsc + ticks;
    for (;;) {
      const vcpus = Array.from({ length: this.peek32(Mailbox.VcpuCount) }, (_, vcpu) => vcpu);
      const due = vcpus.reduce((earliest, vcpu) => (this.deadline(vcpu) < this.deadline(earliest) ? vcpu : earliest), 0);
      const deadline = this.deadline(due);
      if (deadline > end) break;
      if (deadline > this.tsc) this.tsc = deadline;
      this.monitor.timer(due);
    }
    this.tsc = end;
  }

  // What the monitor imports.

  #ram(gpa: bigint, size: number): { memory: Buffer; offset: number } | undefined {
    const address = BigInt.asUintN(64, gpa);
    const isHigh = address >= BigInt(HIGH_MEMORY_BASE);
    const memory = isHigh ? this.highMemory : this.lowMemory;
    const offset = isHigh ? address - BigInt(HIGH_MEMORY_BASE) : address;
    return offset + BigInt(size) <= BigInt(memory.length) ? { memory, offset: Number(offset) } : undefined;
  }

  #load(gpa: bigint, size: number): bigint {
    const at = this.#ram(gpa, size);
    if (at === undefined) return (1n << BigInt(size * 8)) - 1n;
    return size === 8 ? at.memory.readBigUInt64LE(at.offset) : BigInt(at.memory.readUIntLE(at.offset, size));
  }

  #store(gpa: bigint, size: number, value: bigint): void {
    const at = this.#ram(gpa, size);
    if (at === undefined) return;
    if (size === 8) at.memory.writeBigUInt64LE(BigInt.asUintN(64, value), at.offset);
    else at.memory.writeUIntLE(Number(BigInt.asUintN(size * 8, value)), at.offset, size);
  }

  #guestImports(): WebAssembly.ModuleImports {
    return {
      load8: (gpa: bigint) => Number(this.#load(gpa, 1)),
      load16: (gpa: bigint) => Number(this.#load(gpa, 2)),
      load32: (gpa: bigint) => Number(this.#load(gpa, 4)),
      load64: (gpa: bigint) => this.#load(gpa, 8),
      store8: (gpa: bigint, value: number) => this.#store(gpa, 1, BigInt(value)),
      store16: (gpa: bigint, value: number) => this.#store(gpa, 2, BigInt(value)),
      store32: (gpa: bigint, value: number) => this.#store(gpa, 4, BigInt(value)),
      store64: (gpa: bigint, value: bigint) => this.#store(gpa, 8, value),
      clear: (gpa: bigint, length: bigint) => {
        const at = this.#ram(gpa, Number(length));
        at?.memory.fill(0, at.offset, at.offset + Number(length));
        return at === undefined ? 0 : 1;
      },
      copyImage: (gpa: bigint, image: number, offset: bigint, length: bigint) => {
        const source = this.images[image];
        const at = this.#ram(gpa, Number(length));
        if (at === undefined || source === undefined || offset + length > BigInt(source.length)) return 0;
        source.copy(at.memory, at.offset, Number(offset), Number(offset + length));
        return 1;
      },
      copyToDisk: (gpa: bigint, offset: bigint, length: bigint) => {
        if (this.peek32(Mailbox.DiskFlags) !== 0) throw new WebAssembly.RuntimeError("store to a read-only disk");
        const at = this.#ram(gpa, Number(length));
        if (at === undefined || offset < 0n || offset + length > BigInt(this.disk.length)) return 0;
        at.memory.copy(this.disk, Number(offset), at.offset, at.offset + Number(length));
        return 1;
      },
    };
  }

  /** What the disk holds. */
  get disk(): Buffer {
    return this.images[DISK]!;
  }

  #imageByte(image: number, offset: bigint, size: number): bigint {
    const source = this.images[image];
    if (source === undefined || offset < 0n || offset + BigInt(size) > BigInt(source.length)) return (1n << BigInt(size * 8)) - 1n;
    return size === 8 ? source.readBigUInt64LE(Number(offset)) : BigInt(source.readUIntLE(Number(offset), size));
  }

  #imageImports(): WebAssembly.ModuleImports {
    return {
      size: (image: number) => BigInt(this.images[image]?.length ?? 0),
      load8: (image: number, offset: bigint) => Number(this.#imageByte(image, offset, 1)),
      load16: (image: number, offset: bigint) => Number(this.#imageByte(image, offset, 2)),
      load32: (image: number, offset: bigint) => Number(this.#imageByte(image, offset, 4)),
      load64: (image: number, offset: bigint) => this.#imageByte(image, offset, 8),
    };
  }
}

/** A partition whose devices have been reset; start() has tried to load whatever images there are. */
export async function startPartition(options: MonitorOptions = {}): Promise<SimulatedPartition> {
  const partition = new SimulatedPartition(await compileMonitor(), options);
  partition.monitor.start();
  return partition;
}
