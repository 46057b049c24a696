// Sparse physical memory of the simulated machine, with device registers in between.

const PAGE_SHIFT = 12;
const PAGE_SIZE = 1 << PAGE_SHIFT;
const CACHE_LINE = 64;

/** Device registers; offsets are bytes from the region's base. */
export interface DeviceRegion {
  read(offset: number, size: number): bigint;
  write(offset: number, size: number, value: bigint): void;
}

interface Region {
  base: number;
  length: number;
  device: DeviceRegion;
}

/** Unsigned value of a physical address, which reaches JavaScript as a signed 64-bit integer. */
export function addressOf(value: bigint): number {
  const address = BigInt.asUintN(64, value);
  if (address >= 1n << 52n) throw new RangeError(`physical address 0x${address.toString(16)} has more than 52 bits`);
  return Number(address);
}

/** Pages appear zeroed when they are first touched. `forbid` makes ranges that nothing may touch. */
export class PhysicalMemory {
  private readonly pages = new Map<number, Uint8Array>();
  private readonly regions: Region[] = [];
  /** Numbers of the pages that regions lie in. */
  private readonly devicePages = new Set<number>();
  private readonly flushedLines = new Set<number>();
  private readonly forbidden: { base: number; end: number }[] = [];

  addDevice(base: number, length: number, device: DeviceRegion): void {
    this.regions.push({ base, length, device });
    for (let page = Math.floor(base / PAGE_SIZE); page * PAGE_SIZE < base + length; page++) this.devicePages.add(page);
  }

  /** From now on an access to the range throws. */
  forbid(base: number, length: number): void {
    this.forbidden.push({ base, end: base + length });
  }

  /** Pages that were touched. */
  get touchedPages(): number {
    return this.pages.size;
  }

  read(address: number, size: number): bigint {
    this.check(address, size);
    const region = this.regionAt(address);
    if (region !== undefined) return region.device.read(address - region.base, size);
    if (size <= 4) return BigInt(this.readWord(address, size));
    return (BigInt(this.readWord(address + 4, size - 4)) << 32n) | BigInt(this.readWord(address, 4));
  }

  write(address: number, size: number, value: bigint): void {
    this.check(address, size);
    const region = this.regionAt(address);
    if (region !== undefined) {
      region.device.write(address - region.base, size, BigInt.asUintN(size * 8, value));
      return;
    }
    this.writeWord(address, Math.min(size, 4), Number(BigInt.asUintN(32, value)));
    if (size > 4) this.writeWord(address + 4, size - 4, Number(BigInt.asUintN(32, value >> 32n)));
  }

  readBytes(address: number, length: number): Buffer {
    const bytes = Buffer.alloc(length);
    for (let done = 0; done < length; ) {
      const at = address + done;
      const count = Math.min(length - done, PAGE_SIZE - (at % PAGE_SIZE));
      bytes.set(this.page(at).subarray(at % PAGE_SIZE, (at % PAGE_SIZE) + count), done);
      done += count;
    }
    return bytes;
  }

  writeBytes(address: number, bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length; ) {
      const at = address + done;
      const count = Math.min(bytes.length - done, PAGE_SIZE - (at % PAGE_SIZE));
      this.page(at).set(bytes.subarray(done, done + count), at % PAGE_SIZE);
      done += count;
    }
  }

  /** Zeroes a range; pages that were never touched stay untouched. */
  clear(address: number, length: number): void {
    this.check(address, length);
    for (let done = 0; done < length; ) {
      const at = address + done;
      const count = Math.min(length - done, PAGE_SIZE - (at % PAGE_SIZE));
      this.pages.get(Math.floor(at / PAGE_SIZE))?.fill(0, at % PAGE_SIZE, (at % PAGE_SIZE) + count);
      done += count;
    }
  }

  copy(destination: number, source: number, length: number): void {
    this.check(source, length);
    this.check(destination, length);
    this.writeBytes(destination, this.readBytes(source, length));
  }

  /** The `phys` imports of kernel.wasm. */
  imports(): Record<string, (...parameters: never[]) => unknown> {
    return {
      load8: (address: bigint) => Number(this.read(addressOf(address), 1)),
      load16: (address: bigint) => Number(this.read(addressOf(address), 2)),
      load32: (address: bigint) => Number(this.read(addressOf(address), 4)),
      load64: (address: bigint) => this.read(addressOf(address), 8),
      store8: (address: bigint, value: number) => this.write(addressOf(address), 1, BigInt.asUintN(8, BigInt(value))),
      store16: (address: bigint, value: number) => this.write(addressOf(address), 2, BigInt.asUintN(16, BigInt(value))),
      store32: (address: bigint, value: number) => this.write(addressOf(address), 4, BigInt.asUintN(32, BigInt(value))),
      store64: (address: bigint, value: bigint) => this.write(addressOf(address), 8, BigInt.asUintN(64, value)),
      copy: (destination: bigint, source: bigint, length: bigint) => this.copy(addressOf(destination), addressOf(source), addressOf(length)),
      flushCache: (address: bigint, length: bigint) => this.flush(addressOf(address), addressOf(length)),
      clear: (address: bigint, length: bigint) => this.clear(addressOf(address), addressOf(length)),
      compareExchange32: (address: bigint, expected: number, value: number) => {
        const found = Number(this.read(addressOf(address), 4));
        if (found === expected >>> 0) this.write(addressOf(address), 4, BigInt.asUintN(32, BigInt(value)));
        return found;
      },
    };
  }

  /** Remembers the cache lines of the range as written back to memory. */
  private flush(address: number, length: number): void {
    this.check(address, length);
    for (let line = Math.floor(address / CACHE_LINE); line * CACHE_LINE < address + length; line++) this.flushedLines.add(line);
  }

  /** Whether all of the range was flushed since the last forgetFlushes(). */
  wasFlushed(address: number, length: number): boolean {
    for (let line = Math.floor(address / CACHE_LINE); line * CACHE_LINE < address + length; line++) {
      if (!this.flushedLines.has(line)) return false;
    }
    return true;
  }

  forgetFlushes(): void {
    this.flushedLines.clear();
  }

  private check(address: number, length: number): void {
    for (const range of this.forbidden) {
      if (address < range.end && address + length > range.base) {
        throw new RangeError(`access to forbidden physical memory at 0x${address.toString(16)}`);
      }
    }
  }

  private regionAt(address: number): Region | undefined {
    if (!this.devicePages.has(Math.floor(address / PAGE_SIZE))) return undefined;
    return this.regions.find((region) => address >= region.base && address < region.base + region.length);
  }

  private page(address: number): Uint8Array {
    const number = Math.floor(address / PAGE_SIZE);
    let page = this.pages.get(number);
    if (page === undefined) {
      page = new Uint8Array(PAGE_SIZE);
      this.pages.set(number, page);
    }
    return page;
  }

  private readWord(address: number, size: number): number {
    let value = 0;
    for (let i = size - 1; i >= 0; i--) value = (value << 8) | this.readByte(address + i);
    return value >>> 0;
  }

  private writeWord(address: number, size: number, value: number): void {
    for (let i = 0; i < size; i++) this.writeByte(address + i, value >>> (8 * i));
  }

  private readByte(address: number): number {
    return this.pages.get(Math.floor(address / PAGE_SIZE))?.[address % PAGE_SIZE] ?? 0;
  }

  private writeByte(address: number, value: number): void {
    this.page(address)[address % PAGE_SIZE] = value & 0xff;
  }
}
