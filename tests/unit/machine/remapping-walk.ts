// How a simulated remapping unit translates a DMA, VT-d 4.1 chapters 3 and 9: root, context, PASID and second-level tables as they
// lie in memory, with what the caches hold before them.

import { bits, wideBits } from "./remapping-capability.ts";
import type { CachedContext, CachedTranslation, RemappingCaches } from "./remapping-caches.ts";
import type { PhysicalMemory } from "./physical-memory.ts";

/** A request that is blocked. */
export class Blocked extends Error {
  constructor(
    readonly reason: number,
    /** FPD: no record. */
    readonly suppressed = false,
  ) {
    super(`blocked: reason 0x${reason.toString(16)}`);
  }
}

export interface DmaRequest {
  sourceId: number;
  address: bigint;
  isWrite: boolean;
  pasid?: number;
}

/** What the walk needs of the unit. */
export interface WalkerUnit {
  readonly capability: bigint;
  readonly extended: bigint;
  readonly hostWidth: number;
  readonly caches: RemappingCaches;
  readonly memory: PhysicalMemory;
  /** As SRTP latched it. */
  readonly root: { address: bigint; isScalable: boolean };
  protocolError(what: string): void;
}

/** Reasons that differ between the modes. */
interface Reasons {
  width: number;
  write: number;
  read: number;
  absent: { write: number; read: number };
  reserved: number;
  interrupt: number;
}
const LEGACY: Reasons = { width: 0x4, write: 0x5, read: 0x6, absent: { write: 0x5, read: 0x6 }, reserved: 0xc, interrupt: 0xe };
const SCALABLE: Reasons = { width: 0x83, write: 0x85, read: 0x86, absent: { write: 0x79, read: 0x79 }, reserved: 0x7a, interrupt: 0x87 };

const FRAME = 0x000f_ffff_ffff_f000n;

/** Where second-level translation starts. */
interface SecondLevel {
  domain: number;
  root: bigint;
  levels: number;
  passThrough: boolean;
  suppressed: boolean;
  reasons: Reasons;
}

export class RemappingWalk {
  constructor(private readonly unit: WalkerUnit) {}

  /** Translation of the page that the address lies in; throws Blocked. */
  translate(request: DmaRequest): CachedTranslation {
    const start = this.unit.root.isScalable ? this.scalableStart(request) : this.legacyStart(request);
    const limit = start.passThrough ? this.unit.hostWidth : Math.min(start.levels * 9 + 12, bits(this.unit.capability, 21, 16) + 1);
    if (request.address >> BigInt(limit) !== 0n) throw new Blocked(start.reasons.width, start.suppressed);
    if (start.passThrough) {
      const from = request.address & ~0xfffn;
      return { domain: start.domain, from, size: 0x1000n, to: from, read: true, write: true };
    }
    const cached = this.unit.caches.translationOf(start.domain, request.address);
    const found = cached ?? this.walk(start, request);
    if (request.isWrite && !found.write) throw new Blocked(start.reasons.write, start.suppressed);
    if (!request.isWrite && !found.read) throw new Blocked(start.reasons.read, start.suppressed);
    return found;
  }

  /** Whether requests that a device translated itself may pass. */
  allowsDeviceTlb(sourceId: number): boolean {
    const entry = this.contextEntry(sourceId);
    return bits(entry.low, 0, 0) === 1 && (this.unit.root.isScalable ? bits(entry.low, 2, 2) === 1 : bits(entry.low, 3, 2) === 1);
  }

  private load(address: bigint): bigint {
    if (bits(this.unit.extended, 0, 0) === 0 && !this.unit.memory.wasFlushed(Number(address), 8)) {
      this.unit.protocolError(`table entry at 0x${address.toString(16)} was not flushed`);
    }
    return this.unit.memory.read(Number(address), 8);
  }

  /** Address bits that no memory has. */
  private beyondHost(entry: bigint): boolean {
    return wideBits(entry, 63, 0) >> BigInt(this.unit.hostWidth) !== 0n;
  }

  private get cachingMode(): boolean {
    return bits(this.unit.capability, 7, 7) === 1;
  }

  private contextEntry(sourceId: number): CachedContext {
    const cached = this.unit.caches.contexts.get(sourceId);
    if (cached !== undefined) return cached;
    const entry = this.unit.root.isScalable ? this.readScalableContext(sourceId) : this.readContext(sourceId);
    const isPresent = (entry.low & 1n) !== 0n;
    if (isPresent || this.cachingMode) this.unit.caches.contexts.set(sourceId, entry);
    return entry;
  }

  private readContext(sourceId: number): CachedContext {
    const slot = this.unit.root.address + BigInt((sourceId >> 8) * 16);
    const root = this.load(slot);
    if ((root & 1n) === 0n) throw new Blocked(0x1);
    if ((root & 0xffen) !== 0n || this.beyondHost(root) || this.load(slot + 8n) !== 0n) throw new Blocked(0xa);
    const at = (root & FRAME) + BigInt((sourceId & 0xff) * 16);
    const low = this.load(at);
    const high = (low & 1n) === 0n ? 0n : this.load(at + 8n);
    return { low, high, domain: bits(high, 23, 8) };
  }

  private legacyStart(request: DmaRequest): SecondLevel {
    if (request.pasid !== undefined) throw new Blocked(0x31);
    const { low, high, domain } = this.contextEntry(request.sourceId);
    const suppressed = bits(low, 1, 1) === 1;
    if ((low & 1n) === 0n) throw new Blocked(0x2, suppressed);
    const isReserved = (low & 0xff0n) !== 0n || this.beyondHost(low) || bits(high, 7, 7) !== 0 || high >> 24n !== 0n;
    const isNoDomain = domain >> (4 + 2 * bits(this.unit.capability, 2, 0)) !== 0 || (this.cachingMode && domain === 0);
    if (isReserved || isNoDomain) throw new Blocked(0xb, suppressed);
    const type = bits(low, 3, 2);
    const width = bits(high, 2, 0);
    const isType = type === 0 || (type === 1 && bits(this.unit.extended, 2, 2) === 1) || (type === 2 && bits(this.unit.extended, 6, 6) === 1);
    if (!isType || (bits(this.unit.capability, 12, 8) >> width & 1) === 0) throw new Blocked(0x3, suppressed);
    return { domain, root: low & FRAME, levels: width + 2, passThrough: type === 2, suppressed, reasons: LEGACY };
  }

  private readScalableContext(sourceId: number): CachedContext {
    const upper = (sourceId & 0x80) !== 0 ? 8n : 0n;
    const root = this.load(this.unit.root.address + BigInt((sourceId >> 8) * 16) + upper);
    if ((root & 1n) === 0n) throw new Blocked(0x39);
    if ((root & 0xffen) !== 0n || this.beyondHost(root)) throw new Blocked(0x3a);
    const at = (root & FRAME) + BigInt((sourceId & 0x7f) * 32);
    const low = this.load(at);
    const isPresent = (low & 1n) !== 0n;
    if (isPresent && (this.load(at + 16n) !== 0n || this.load(at + 24n) !== 0n)) throw new Blocked(0x42, bits(low, 1, 1) === 1);
    return { low, high: isPresent ? this.load(at + 8n) : 0n, domain: 0 };
  }

  private scalableStart(request: DmaRequest): SecondLevel {
    const { low, high } = this.contextEntry(request.sourceId);
    const suppressed = bits(low, 1, 1) === 1;
    if ((low & 1n) === 0n) throw new Blocked(0x41, suppressed);
    if ((low & 0x1e0n) !== 0n || this.beyondHost(low) || high >> 21n !== 0n) throw new Blocked(0x42, suppressed);
    if (request.pasid !== undefined && bits(low, 3, 3) === 0) throw new Blocked(0x45, suppressed);
    const pasid = request.pasid ?? bits(high, 19, 0);
    if (pasid >> 6 >= 2 ** (bits(low, 11, 9) + 7)) throw new Blocked(0x46, suppressed);
    const entry = this.pasidEntry(request.sourceId, low & FRAME, pasid, suppressed);
    const isSuppressed = suppressed || bits(entry.low, 1, 1) === 1;
    if ((entry.low & 1n) === 0n) throw new Blocked(0x59, isSuppressed);
    if ((entry.low & 0xc00n) !== 0n || this.beyondHost(entry.low) || (entry.high & 0xffff_ffff_007f_0000n) !== 0n) throw new Blocked(0x5a, isSuppressed);
    const width = bits(entry.low, 4, 2);
    const type = bits(entry.low, 8, 6);
    const isType = (type === 2 && bits(this.unit.extended, 46, 46) === 1) || (type === 4 && bits(this.unit.extended, 6, 6) === 1);
    if (!isType || (bits(this.unit.capability, 12, 8) >> width & 1) === 0) throw new Blocked(0x5b, isSuppressed);
    return { domain: entry.domain, root: entry.low & FRAME, levels: width + 2, passThrough: type === 4, suppressed: isSuppressed, reasons: SCALABLE };
  }

  private pasidEntry(sourceId: number, directory: bigint, pasid: number, suppressed: boolean): CachedContext {
    const key = `${sourceId}:${pasid}`;
    const cached = this.unit.caches.pasids.get(key);
    if (cached !== undefined) return cached;
    const pointer = this.load(directory + BigInt((pasid >> 6) * 8));
    const isSuppressed = suppressed || bits(pointer, 1, 1) === 1;
    if ((pointer & 1n) === 0n) throw new Blocked(0x51, isSuppressed);
    if ((pointer & 0xffcn) !== 0n || this.beyondHost(pointer)) throw new Blocked(0x52, isSuppressed);
    const at = (pointer & FRAME) + BigInt((pasid & 0x3f) * 64);
    const low = this.load(at);
    const high = (low & 1n) === 0n ? 0n : this.load(at + 8n);
    const entry = { low, high, domain: bits(high, 15, 0) };
    if ((low & 1n) !== 0n || this.cachingMode) this.unit.caches.pasids.set(key, entry);
    return entry;
  }

  private walk(start: SecondLevel, request: DmaRequest): CachedTranslation {
    const { reasons, suppressed } = start;
    let table = start.root;
    let rights = 3;
    for (let level = start.levels; ; level--) {
      const shift = BigInt(level * 9 + 3);
      const entry = this.load(table + ((request.address >> shift) & 511n) * 8n);
      if ((entry & 3n) === 0n) {
        if (this.cachingMode) this.remember(start.domain, request.address, 12n, 0n, 0);
        throw new Blocked(request.isWrite ? reasons.absent.write : reasons.absent.read, suppressed);
      }
      const isLeaf = level === 1 || (entry & 0x80n) !== 0n;
      if (this.isEntryReserved(entry, level, isLeaf)) throw new Blocked(reasons.reserved, suppressed);
      rights &= Number(entry & 3n);
      table = entry & FRAME;
      if (!isLeaf) continue;
      if (table >> 20n === 0xfeen) throw new Blocked(reasons.interrupt, suppressed);
      return this.remember(start.domain, request.address, shift, table, rights);
    }
  }

  private isEntryReserved(entry: bigint, level: number, isLeaf: boolean): boolean {
    if (wideBits(entry, 51, 0) >> BigInt(this.unit.hostWidth) !== 0n) return true;
    if (!isLeaf) return (entry & 0x800n) !== 0n;
    if (level > 3 || (level > 1 && (bits(this.unit.capability, 37, 34) >> (level - 2) & 1) === 0)) return true;
    if ((entry & ((1n << BigInt(level * 9 + 3)) - 1n) & FRAME) !== 0n) return true;
    return (entry & 0x800n) !== 0n && bits(this.unit.extended, 7, 7) === 0;
  }

  private remember(domain: number, address: bigint, shift: bigint, to: bigint, rights: number): CachedTranslation {
    const size = 1n << shift;
    const one = { domain, from: address & ~(size - 1n), size, to, read: (rights & 1) !== 0, write: (rights & 2) !== 0 };
    this.unit.caches.translations.push(one);
    return one;
  }
}
