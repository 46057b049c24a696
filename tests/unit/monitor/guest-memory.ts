// A simulated partition's memory, images and disk, and the monitor's imports that reach them.

import { HIGH_MEMORY_BASE } from "../../../monitor/interface.ts";

export interface GuestMemoryOptions {
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

export class GuestMemory {
  readonly low: Buffer;
  readonly high: Buffer;
  readonly disk: Buffer;
  /** As the monitor numbers them; the disk is the last. */
  readonly #images: Buffer[];
  readonly #isDiskReadOnly: boolean;

  constructor(options: GuestMemoryOptions) {
    this.low = Buffer.alloc(options.lowMemory ?? 2 << 20);
    this.high = Buffer.alloc(options.highMemory ?? 0);
    this.disk = Buffer.from(options.disk ?? []);
    this.#images = [Buffer.from(options.kernel ?? []), Buffer.from(options.initialRamDisk ?? []), Buffer.from(options.commandLine ?? "", "latin1"), this.disk];
    this.#isDiskReadOnly = options.isDiskReadOnly === true;
  }

  imports(): { guest: WebAssembly.ModuleImports; image: WebAssembly.ModuleImports } {
    return { guest: this.#guestImports(), image: this.#imageImports() };
  }

  #ram(gpa: bigint, size: number): { memory: Buffer; offset: number } | undefined {
    const address = BigInt.asUintN(64, gpa);
    const isHigh = address >= BigInt(HIGH_MEMORY_BASE);
    const memory = isHigh ? this.high : this.low;
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
        const source = this.#images[image];
        const at = this.#ram(gpa, Number(length));
        if (at === undefined || source === undefined || offset + length > BigInt(source.length)) return 0;
        source.copy(at.memory, at.offset, Number(offset), Number(offset + length));
        return 1;
      },
      saveVectors: () => { throw new Error("no test here has vector registers"); },
      restoreVectors: () => { throw new Error("no test here has vector registers"); },
      copyToDisk: (gpa: bigint, offset: bigint, length: bigint) => {
        if (this.#isDiskReadOnly) throw new WebAssembly.RuntimeError("store to a read-only disk");
        const at = this.#ram(gpa, Number(length));
        if (at === undefined || offset < 0n || offset + length > BigInt(this.disk.length)) return 0;
        at.memory.copy(this.disk, Number(offset), at.offset, at.offset + Number(length));
        return 1;
      },
    };
  }

  #imageByte(image: number, offset: bigint, size: number): bigint {
    const source = this.#images[image];
    if (source === undefined || offset < 0n || offset + BigInt(size) > BigInt(source.length)) return (1n << BigInt(size * 8)) - 1n;
    return size === 8 ? source.readBigUInt64LE(Number(offset)) : BigInt(source.readUIntLE(Number(offset), size));
  }

  #imageImports(): WebAssembly.ModuleImports {
    return {
      size: (image: number) => BigInt(this.#images[image]?.length ?? 0),
      load8: (image: number, offset: bigint) => Number(this.#imageByte(image, offset, 1)),
      load16: (image: number, offset: bigint) => Number(this.#imageByte(image, offset, 2)),
      load32: (image: number, offset: bigint) => Number(this.#imageByte(image, offset, 4)),
      load64: (image: number, offset: bigint) => this.#imageByte(image, offset, 8),
    };
  }
}
