// The kernel's way to a monitor: monitor.wasm as it is, instantiated over the partition's memory, or a record of calls.

import { HIGH_MEMORY_BASE } from "../../../monitor/interface.ts";
import type { PhysicalMemory } from "./physical-memory.ts";
import { enumReader } from "./source-enums.ts";

type Imports = Record<string, (...parameters: never[]) => unknown>;

/** What the kernel reaches of the monitor's memory: mailbox and virtual-APIC pages. */
const SHARED_SIZE = 0x10000;
const IMAGES = 4;
const DISK = 3;

const grant = enumReader("kernel/partition/monitor.ts", "Grant");
const Grant = {
  MemoryBase: grant("MemoryBase"),
  LowMemory: grant("LowMemory"),
  HighMemory: grant("HighMemory"),
  Images: grant("Images"),
  Count: grant("Count"),
};

/** Exports of monitor/main.ts that the kernel calls. */
const ENTRY_POINTS = [
  "start", "portRead", "portWrite", "portString", "msrRead", "msrWrite", "cpuid", "memoryAccess", "taskSwitch",
  "taskPriorityRead", "taskPriorityWrite", "acknowledge", "acknowledgeNmi", "interruptStatus", "apicWrite", "apicEndOfInterrupt", "timer", "input", "deviceMessage",
];

export class MonitorHost {
  private instance: WebAssembly.Instance | undefined;
  private readonly grants: bigint[] = new Array<bigint>(Grant.Count).fill(0n);
  private faulted = false;
  /** The mailbox while there is no monitor.wasm. */
  private readonly bare = new ArrayBuffer(SHARED_SIZE);
  /** The mailbox of this instance, whose memory does not grow. */
  mailbox = new DataView(this.bare);
  /** MMX and SSE registers of the vCPU whose core this is, as FXSAVE64 stores them. */
  readonly vectors = Buffer.alloc(512);
  /** Calls in order, with their parameters. */
  readonly calls: { name: string; parameters: (number | bigint)[] }[] = [];
  /** Answers for calls while there is no monitor.wasm; one that throws a WebAssembly.RuntimeError faults. */
  readonly answers = new Map<string, (...parameters: (number | bigint)[]) => number | bigint | undefined>();
  /** Runs after each call into monitor.wasm. */
  afterCall: (name: string) => void = () => {};

  constructor(
    private readonly memory: PhysicalMemory,
    private readonly now: () => bigint,
    private readonly module: WebAssembly.Module | undefined,
  ) {}

  /** The `monitor` imports of kernel.wasm. */
  imports(): Imports {
    const entryPoints = ENTRY_POINTS.map((name) => [name, (...parameters: (number | bigint)[]) => this.call(name, parameters)] as const);
    return {
      ...Object.fromEntries(entryPoints),
      instantiate: () => this.instantiate(),
      setGrant: (grant: number, value: bigint) => void (this.grants[grant] = BigInt.asUintN(64, value)),
      faulted: () => (this.faulted ? 1 : 0),
      faultAddress: () => 0n,
      peek8: (offset: number) => this.mailbox.getUint8(offset & (SHARED_SIZE - 1)),
      peek32: (offset: number) => this.mailbox.getUint32(offset & (SHARED_SIZE - 1), true),
      peek64: (offset: number) => this.mailbox.getBigUint64(offset & (SHARED_SIZE - 1), true),
      poke8: (offset: number, value: number) => this.mailbox.setUint8(offset & (SHARED_SIZE - 1), value),
      poke32: (offset: number, value: number) => this.mailbox.setUint32(offset & (SHARED_SIZE - 1), value, true),
      or32: (offset: number, bits: number) => {
        const before = this.mailbox.getUint32(offset & (SHARED_SIZE - 1), true);
        this.mailbox.setUint32(offset & (SHARED_SIZE - 1), before | bits, true);
        return before;
      },
      poke64: (offset: number, value: bigint) => this.mailbox.setBigUint64(offset & (SHARED_SIZE - 1), value, true),
    };
  }

  private instantiate(): void {
    this.grants.fill(0n);
    this.faulted = false;
    new Uint8Array(this.bare).fill(0);
    this.mailbox = new DataView(this.bare);
    if (this.module === undefined) return;
    const imports = { guest: this.guestImports(), image: this.imageImports(), time: { now: this.now } };
    this.instance = new WebAssembly.Instance(this.module, imports as unknown as WebAssembly.Imports);
    this.mailbox = new DataView((this.instance.exports["memory"] as WebAssembly.Memory).buffer, 0, SHARED_SIZE);
  }

  /** A trap in the monitor cuts the call short, as in the boot floor. */
  private call(name: string, parameters: (number | bigint)[]): number | bigint | undefined {
    this.calls.push({ name, parameters });
    const nothing = name === "msrRead" ? 0n : 0;
    this.faulted = false;
    try {
      if (this.instance === undefined) return this.answers.get(name)?.(...parameters) ?? nothing;
      const result = (this.instance.exports[name] as (...values: (number | bigint)[]) => number | bigint | undefined)(...parameters);
      this.afterCall(name);
      return result;
    } catch (error) {
      if (!(error instanceof WebAssembly.RuntimeError)) throw error;
      this.faulted = true;
      return nothing;
    }
  }

  private linearMemory(): Buffer {
    return Buffer.from((this.instance?.exports["memory"] as WebAssembly.Memory).buffer);
  }

  private grant(number: number): number {
    return Number(this.grants[number] ?? 0n);
  }

  /** Host-physical address of guest memory, undefined outside the grant. */
  private translate(gpa: bigint, length: number): number | undefined {
    const address = Number(BigInt.asUintN(64, gpa));
    const low = this.grant(Grant.LowMemory);
    if (address + length <= low) return this.grant(Grant.MemoryBase) + address;
    const offset = address - Number(HIGH_MEMORY_BASE);
    if (offset < 0 || offset + length > this.grant(Grant.HighMemory)) return undefined;
    return this.grant(Grant.MemoryBase) + low + offset;
  }

  private guestImports(): Imports {
    const read = (gpa: bigint, size: number): bigint => {
      const address = this.translate(gpa, size);
      return address === undefined ? BigInt.asUintN(size * 8, -1n) : this.memory.read(address, size);
    };
    const write = (gpa: bigint, size: number, value: bigint): void => {
      const address = this.translate(gpa, size);
      if (address !== undefined) this.memory.write(address, size, BigInt.asUintN(size * 8, value));
    };
    return {
      load8: (gpa: bigint) => Number(read(gpa, 1)),
      load16: (gpa: bigint) => Number(read(gpa, 2)),
      load32: (gpa: bigint) => Number(read(gpa, 4)),
      load64: (gpa: bigint) => read(gpa, 8),
      store8: (gpa: bigint, value: number) => write(gpa, 1, BigInt(value)),
      store16: (gpa: bigint, value: number) => write(gpa, 2, BigInt(value)),
      store32: (gpa: bigint, value: number) => write(gpa, 4, BigInt(value)),
      store64: (gpa: bigint, value: bigint) => write(gpa, 8, value),
      clear: (gpa: bigint, length: bigint) => {
        const address = this.translate(gpa, Number(length));
        if (address === undefined) return 0;
        this.memory.clear(address, Number(length));
        return 1;
      },
      copyImage: (gpa: bigint, image: number, offset: bigint, length: bigint) => {
        const destination = this.translate(gpa, Number(length));
        const source = this.imageAddress(image, Number(offset), Number(length));
        if (destination === undefined || source === undefined) return 0;
        this.memory.copy(destination, source, Number(length));
        return 1;
      },
      saveVectors: (area: number) => void this.vectors.copy(this.linearMemory(), area),
      restoreVectors: (area: number) => void this.linearMemory().copy(this.vectors, 0, area),
      copyToDisk: (gpa: bigint, offset: bigint, length: bigint) => {
        const source = this.translate(gpa, Number(length));
        const destination = this.imageAddress(DISK, Number(offset), Number(length));
        if (destination === undefined || source === undefined) return 0;
        this.memory.copy(destination, source, Number(length));
        return 1;
      },
    };
  }

  /** Address and size of an image, as granted. */
  grantPair(image: number): (bigint | undefined)[] {
    return [this.grants[Grant.Images + 2 * image], this.grants[Grant.Images + 2 * image + 1]];
  }

  private imageAddress(image: number, offset: number, length: number): number | undefined {
    if (image >= IMAGES || offset + length > this.grant(Grant.Images + 2 * image + 1)) return undefined;
    return this.grant(Grant.Images + 2 * image) + offset;
  }

  private imageImports(): Imports {
    const read = (image: number, offset: bigint, size: number): bigint => {
      const address = this.imageAddress(image, Number(BigInt.asUintN(64, offset)), size);
      return address === undefined ? BigInt.asUintN(size * 8, -1n) : this.memory.read(address, size);
    };
    return {
      size: (image: number) => (image < IMAGES ? (this.grants[Grant.Images + 2 * image + 1] ?? 0n) : 0n),
      load8: (image: number, offset: bigint) => Number(read(image, offset, 1)),
      load16: (image: number, offset: bigint) => Number(read(image, offset, 2)),
      load32: (image: number, offset: bigint) => Number(read(image, offset, 4)),
      load64: (image: number, offset: bigint) => read(image, offset, 8),
    };
  }
}
