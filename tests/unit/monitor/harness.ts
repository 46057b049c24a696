// monitor.wasm in Node, with simulated guest memory, images and clock.

import { LOCAL_VECTOR, AccessStatus, Device, DiskFlag, ImageKind, INPUT_RING, Mailbox, OUTPUT_RING, VcpuMailbox, VIRTUAL_APIC_BASE } from "../../../monitor/interface.ts";
import { compileEntry } from "../machine/compile.ts";
import { GuestMemory, type GuestMemoryOptions } from "./guest-memory.ts";

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

export interface MonitorOptions extends GuestMemoryOptions {
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
}

export const ALL_DEVICES = Device.LocalApic | Device.IoApic | Device.Pic | Device.Pit | Device.Uart | Device.Rtc | Device.PowerManagement | Device.Pci;
export const NEVER = 0xffff_ffff_ffff_ffffn;

/** Compiled once for all test files. */
export function compileMonitor(): Promise<WebAssembly.Module> {
  return compileEntry("tests/fixtures/monitor/entry.ts", "monitor");
}

/** One partition's monitor and what surrounds it. */
export class SimulatedPartition {
  readonly monitor: MonitorExports;
  readonly lowMemory: Buffer;
  readonly highMemory: Buffer;
  /** What the disk holds. */
  readonly disk: Buffer;
  /** TSC that the monitor sees. */
  tsc: bigint;
  readonly tscFrequency: bigint;
  #outputTaken = 0;

  constructor(module: WebAssembly.Module, options: MonitorOptions = {}) {
    this.tsc = options.tsc ?? 1_000_000_000n;
    this.tscFrequency = options.tscFrequency ?? 1_000_000_000n;
    const memory = new GuestMemory(options);
    ({ low: this.lowMemory, high: this.highMemory, disk: this.disk } = memory);
    const imports = { ...memory.imports(), time: { now: () => this.tsc } };
    this.monitor = new WebAssembly.Instance(module, imports).exports as unknown as MonitorExports;
    this.poke32(Mailbox.VcpuCount, options.vcpus ?? 1);
    this.poke32(Mailbox.Devices, options.devices ?? ALL_DEVICES);
    this.poke32(Mailbox.DiskFlags, options.isDiskReadOnly === true ? DiskFlag.ReadOnly : 0);
    this.poke32(Mailbox.ApicFeatures, options.apicFeatures ?? 0);
    this.poke32(Mailbox.ImageKind, options.imageKind ?? ImageKind.BzImage);
    this.poke32(Mailbox.PhysicalAddressBits, 46);
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
}

/** A partition whose devices have been reset; start() has tried to load whatever images there are. */
export async function startPartition(options: MonitorOptions = {}): Promise<SimulatedPartition> {
  const partition = new SimulatedPartition(await compileMonitor(), options);
  partition.monitor.start();
  return partition;
}
