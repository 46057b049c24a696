// Loader, ACPI tables and decoder of the monitor, compiled to WebAssembly without its devices: the bus belongs to the test.

import asc from "assemblyscript/asc";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import path from "node:path";
import { AccessStatus, Device, EntryState, ImageKind, LoadStatus, Mailbox, SEGMENTS, SegmentFrame, VcpuFrame } from "../../../monitor/interface.ts";
import { buildDirectory } from "../../../scripts/build/paths.ts";
import { projectDirectory as project } from "../../../scripts/policy/project.ts";

const ENTRY = "monitor/parts-under-test.ts";

const ENTRY_SOURCE = `
export { load } from "./loader/load";
export { writeAcpiTables } from "./acpi/place";
export { executeMemoryAccess } from "./decoder/execute";
export { executeStringPort } from "./decoder/string-port";
export { executeSegmentAccess } from "./task/segment-instruction";
export { switchTask } from "./task/switch";
`;

const BUS_SOURCE = `
@external("bus", "memoryRead") export declare function memoryRead(vcpu: u32, gpa: u64, size: u32): u64;
@external("bus", "memoryWrite") export declare function memoryWrite(vcpu: u32, gpa: u64, size: u32, value: u64): void;
@external("bus", "portIn") export declare function portIn(vcpu: u32, port: u32, size: u32): u32;
@external("bus", "portOut") export declare function portOut(vcpu: u32, port: u32, size: u32, value: u32): void;
`;

interface Exports {
  memory: WebAssembly.Memory;
  load(): number;
  writeAcpiTables(): void;
  executeMemoryAccess(vcpu: number, gpa: bigint, isWrite: number): number;
  executeStringPort(vcpu: number, port: number, size: number, isWrite: number, isRepeated: number, information: number): number;
  executeSegmentAccess(vcpu: number, gpa: bigint): number;
  switchTask(vcpu: number, qualification: number, errorCode: bigint): number;
}

/** What the test's devices answer; Parts.answer() inside a handler sets the status of the access. */
export interface Bus {
  memoryRead(gpa: bigint, size: number): bigint;
  memoryWrite(gpa: bigint, size: number, value: bigint): void;
  portIn(port: number, size: number): number;
  portOut(port: number, size: number, value: number): void;
}

/** Compiles, or takes what was compiled from the same sources before. */
export async function compileParts(): Promise<WebAssembly.Module> {
  const directory = path.join(buildDirectory, "tests");
  const file = path.join(directory, `parts-${sourceDigest()}.wasm`);
  if (!existsSync(file)) {
    const binary = await compile();
    mkdirSync(directory, { recursive: true });
    const temporary = `${file}.${process.pid}`;
    writeFileSync(temporary, binary);
    renameSync(temporary, file); // test files run side by side
  }
  return new WebAssembly.Module(readFileSync(file));
}

function sourceDigest(): string {
  const hash = createHash("sha256").update(ENTRY_SOURCE).update(BUS_SOURCE);
  const files = readdirSync(path.join(project, "monitor"), { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ts")).sort();
  for (const name of files) hash.update(name).update(readFileSync(path.join(project, "monitor", name)));
  return hash.digest("hex").slice(0, 16);
}

async function compile(): Promise<Uint8Array> {
  let binary: Uint8Array | undefined;
  const errors: string[] = [];
  const result = await asc.main(
    [ENTRY, "--baseDir", project, "--outFile", "parts.wasm", "-O2", "--runtime", "stub", "--noAssert", "--use", "abort=", "--memoryBase", "4096"],
    {
      stderr: { write: (chunk: string | Uint8Array) => void errors.push(String(chunk)) },
      readFile: (name: string, base: string) => readSource(path.relative(project, path.resolve(base, name))),
      writeFile: (_name: string, contents: string | Uint8Array) => {
        if (typeof contents !== "string") binary = contents;
      },
    },
  );
  if (result.error !== null || binary === undefined) throw new Error(`asc: ${errors.join("")}`);
  return binary;
}

function readSource(name: string): string | null {
  if (name === ENTRY) return ENTRY_SOURCE;
  if (name === "monitor/devices/bus.ts") return BUS_SOURCE;
  try {
    return readFileSync(path.join(project, name), "utf8");
  } catch {
    return null;
  }
}

export const LOW_MEMORY = 32 << 20;

/** One partition: RAM from guest-physical address 0, images and a bus. Accesses to the RAM beyond its end are counted. */
export class Parts {
  readonly ram: Buffer;
  /** MMX and SSE registers of the vCPU, as FXSAVE64 stores them. */
  readonly vectors = Buffer.alloc(512);
  readonly exports: Exports;
  /** Kernel, initial RAM disk, command line, disk. */
  readonly images: [Buffer, Buffer, Buffer, Buffer] = [Buffer.alloc(0), Buffer.alloc(0), Buffer.alloc(0), Buffer.alloc(0)];
  bus: Bus = { memoryRead: () => 0n, memoryWrite: () => {}, portIn: () => 0, portOut: () => {} };
  outOfBounds = 0;

  constructor(module: WebAssembly.Module, lowMemory = LOW_MEMORY) {
    this.ram = Buffer.alloc(lowMemory);
    const instance = new WebAssembly.Instance(module, { guest: this.guest(), image: this.image(), bus: this.busImports() });
    this.exports = instance.exports as unknown as Exports;
    this.configure(BigInt(lowMemory), 0n, 1);
    this.setDevices(0xff);
    for (let segment = 0; segment < SEGMENTS; segment++) this.setSegment(segment, {});
  }

  get mailbox(): DataView {
    return new DataView(this.exports.memory.buffer, 0, Mailbox.Size);
  }

  configure(lowMemory: bigint, highMemory: bigint, vcpus: number): void {
    this.mailbox.setBigUint64(Mailbox.LowMemory, lowMemory, true);
    this.mailbox.setBigUint64(Mailbox.HighMemory, highMemory, true);
    this.mailbox.setUint32(Mailbox.VcpuCount, vcpus, true);
  }

  setDevices(mask: number): void {
    this.mailbox.setUint32(Mailbox.Devices, mask, true);
  }

  load(kind: ImageKind): LoadStatus {
    this.mailbox.setUint32(Mailbox.ImageKind, kind, true);
    return this.exports.load();
  }

  entry(field: EntryState): bigint {
    return this.mailbox.getBigUint64(Mailbox.Entry + field, true);
  }

  frame(field: VcpuFrame): bigint {
    return this.mailbox.getBigUint64(Mailbox.Frame + field, true);
  }

  setFrame(field: VcpuFrame, value: bigint): void {
    this.mailbox.setBigUint64(Mailbox.Frame + field, value, true);
  }

  register(number: number): bigint {
    return this.mailbox.getBigUint64(Mailbox.Frame + VcpuFrame.Registers + number * 8, true);
  }

  setRegister(number: number, value: bigint): void {
    this.mailbox.setBigUint64(Mailbox.Frame + VcpuFrame.Registers + number * 8, value, true);
  }

  /** A flat data segment, unless something else is said. */
  setSegment(number: number, { base = 0n, limit = 0xffff_ffff, rights = 0xc093 }: { base?: bigint; limit?: number; rights?: number }): void {
    const record = Mailbox.Segments + number * SegmentFrame.Size;
    this.mailbox.setBigUint64(record + SegmentFrame.Base, base, true);
    this.mailbox.setUint32(record + SegmentFrame.Limit, limit, true);
    this.mailbox.setUint32(record + SegmentFrame.Rights, rights, true);
  }

  /** The whole frame, for a test that nothing changed. */
  frameBytes(): Buffer {
    return Buffer.from(this.exports.memory.buffer.slice(Mailbox.Frame, Mailbox.Frame + 0xc0));
  }

  /** Makes the access that a handler of the bus is answering end with `status`. */
  answer(status: AccessStatus): void {
    this.mailbox.setUint32(Mailbox.Status, status, true);
  }

  /** Offset in `ram`, or undefined outside it. */
  private place(gpa: bigint, length: number): number | undefined {
    const address = BigInt.asUintN(64, gpa);
    if (address + BigInt(length) <= BigInt(this.ram.length)) return Number(address);
    this.outOfBounds++;
    return undefined;
  }

  private guest(): Record<string, (...parameters: never[]) => unknown> {
    const ram = this.ram;
    const read = (gpa: bigint, size: number): number => {
      const at = this.place(gpa, size);
      return at === undefined ? -1 : ram.readUIntLE(at, size);
    };
    const write = (gpa: bigint, size: number, value: number): void => {
      const at = this.place(gpa, size);
      if (at !== undefined) ram.writeUIntLE(value >>> 0 & (2 ** (size * 8) - 1), at, size);
    };
    return {
      load8: (gpa: bigint) => read(gpa, 1),
      load16: (gpa: bigint) => read(gpa, 2),
      load32: (gpa: bigint) => read(gpa, 4),
      load64: (gpa: bigint) => {
        const at = this.place(gpa, 8);
        return at === undefined ? -1n : ram.readBigUInt64LE(at);
      },
      store8: (gpa: bigint, value: number) => write(gpa, 1, value & 0xff),
      store16: (gpa: bigint, value: number) => write(gpa, 2, value & 0xffff),
      store32: (gpa: bigint, value: number) => {
        const at = this.place(gpa, 4);
        if (at !== undefined) ram.writeUInt32LE(value >>> 0, at);
      },
      store64: (gpa: bigint, value: bigint) => {
        const at = this.place(gpa, 8);
        if (at !== undefined) ram.writeBigUInt64LE(BigInt.asUintN(64, value), at);
      },
      clear: (gpa: bigint, length: bigint) => {
        const at = this.place(gpa, Number(length));
        if (at === undefined) return 0;
        ram.fill(0, at, at + Number(length));
        return 1;
      },
      saveVectors: (area: number) => void this.vectors.copy(Buffer.from(this.exports.memory.buffer), area),
      restoreVectors: (area: number) => void Buffer.from(this.exports.memory.buffer).copy(this.vectors, 0, area),
      copyImage: (gpa: bigint, image: number, offset: bigint, length: bigint) => {
        const at = this.place(gpa, Number(BigInt.asUintN(64, length)));
        const source = this.images[image] ?? Buffer.alloc(0);
        if (at === undefined || BigInt.asUintN(64, offset) + BigInt.asUintN(64, length) > BigInt(source.length)) return 0;
        source.copy(ram, at, Number(offset), Number(offset + length));
        return 1;
      },
    };
  }

  private image(): Record<string, (...parameters: never[]) => unknown> {
    const read = (image: number, offset: bigint, size: number): bigint => {
      const source = this.images[image] ?? Buffer.alloc(0);
      const at = BigInt.asUintN(64, offset);
      if (at + BigInt(size) > BigInt(source.length)) {
        this.outOfBounds++;
        return -1n;
      }
      const bytes = Buffer.alloc(8);
      source.copy(bytes, 0, Number(at), Number(at) + size);
      return bytes.readBigUInt64LE();
    };
    return {
      size: (image: number) => BigInt(this.images[image]?.length ?? 0),
      load8: (image: number, offset: bigint) => Number(read(image, offset, 1)),
      load16: (image: number, offset: bigint) => Number(read(image, offset, 2)),
      load32: (image: number, offset: bigint) => Number(read(image, offset, 4)),
      load64: (image: number, offset: bigint) => read(image, offset, 8),
    };
  }

  private busImports(): Record<string, (...parameters: never[]) => unknown> {
    return {
      memoryRead: (_vcpu: number, gpa: bigint, size: number) => this.bus.memoryRead(BigInt.asUintN(64, gpa), size),
      memoryWrite: (_vcpu: number, gpa: bigint, size: number, value: bigint) =>
        this.bus.memoryWrite(BigInt.asUintN(64, gpa), size, BigInt.asUintN(64, value)),
      portIn: (_vcpu: number, port: number, size: number) => this.bus.portIn(port, size),
      portOut: (_vcpu: number, port: number, size: number, value: number) => this.bus.portOut(port, size, value >>> 0),
    };
  }
}

/** Every device of the virtual platform. */
export const ALL_DEVICES = Device.LocalApic | Device.IoApic | Device.Pic | Device.Pit | Device.Uart | Device.Rtc | Device.PowerManagement | Device.Pci;
