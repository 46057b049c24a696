// Interrupt remapping of a simulated unit, VT-d 4.1 5.1: what becomes of a message that a device writes to 0xFEExxxxx.

import { bits, wideBits } from "./remapping-capability.ts";
import type { CachedInterrupt, RemappingCaches } from "./remapping-caches.ts";
import type { PhysicalMemory } from "./physical-memory.ts";

export interface DeliveredInterrupt {
  vector: number;
  /** APIC identifier. */
  destination: number;
  /** Physical address of the posted-interrupt descriptor, for a posted interrupt. */
  posted?: bigint;
}

export interface BlockedInterrupt {
  blocked: number;
  /** Entry that the message named, 0 if none. */
  index: number;
  /** FPD of the entry. */
  suppressed: boolean;
}

export interface InterruptUnit {
  readonly capability: bigint;
  readonly caches: RemappingCaches;
  readonly memory: PhysicalMemory;
  /** As SIRTP latched it. */
  readonly interruptTable: { address: bigint; entries: number; isExtended: boolean };
  /** GSTS.CFIS */
  readonly allowsCompatibility: boolean;
}

function blocked(reason: number, index = 0, suppressed = false): BlockedInterrupt {
  return { blocked: reason, index, suppressed };
}

/** Without remapping, or in compatibility format: the message says vector and destination itself. */
export function compatibilityInterrupt(address: number, data: number): DeliveredInterrupt {
  return { vector: data & 0xff, destination: (address >>> 12) & 0xff };
}

export function remapInterrupt(unit: InterruptUnit, sourceId: number, address: number, data: number): DeliveredInterrupt | BlockedInterrupt {
  if ((address & 0x10) === 0) {
    const passes = unit.allowsCompatibility && !unit.interruptTable.isExtended;
    return passes ? compatibilityInterrupt(address, data) : blocked(0x25);
  }
  const hasSubhandle = (address & 0x8) !== 0;
  if (hasSubhandle && data >>> 16 !== 0) return blocked(0x20);
  const handle = ((address >>> 5) & 0x7fff) | ((address & 4) << 13);
  const index = handle + (hasSubhandle ? data & 0xffff : 0);
  if (index >= unit.interruptTable.entries) return blocked(0x21, index & 0xffff);
  return deliver(unit, sourceId, index, entryOf(unit, index));
}

function entryOf(unit: InterruptUnit, index: number): CachedInterrupt {
  const cached = unit.caches.interrupts.get(index);
  if (cached !== undefined) return cached;
  const at = Number(unit.interruptTable.address) + index * 16;
  const entry = { low: unit.memory.read(at, 8), high: unit.memory.read(at + 8, 8) };
  const isCached = bits(entry.low, 0, 0) === 1 || bits(unit.capability, 7, 7) === 1;
  if (isCached) unit.caches.interrupts.set(index, entry);
  return entry;
}

function deliver(unit: InterruptUnit, sourceId: number, index: number, entry: CachedInterrupt): DeliveredInterrupt | BlockedInterrupt {
  const { low, high } = entry;
  const suppressed = bits(low, 1, 1) === 1;
  if (bits(low, 0, 0) === 0) return blocked(0x22, index, suppressed);
  const isPosted = bits(low, 15, 15) === 1;
  if (isReserved(unit, low, high, isPosted)) return blocked(0x24, index, suppressed);
  if (!isSourceRight(high, sourceId)) return blocked(0x26, index, suppressed);
  const vector = bits(low, 23, 16);
  if (isPosted) return post(unit, vector, (wideBits(high, 63, 32) << 32n) | (wideBits(low, 63, 38) << 6n));
  return { vector, destination: unit.interruptTable.isExtended ? bits(low, 63, 32) : bits(low, 47, 40) };
}

function isReserved(unit: InterruptUnit, low: bigint, high: bigint, isPosted: boolean): boolean {
  if (isPosted) return bits(unit.capability, 59, 59) === 0 || (low & 0x3f_ff00_30fcn) !== 0n || (high & 0xfff0_0000n) !== 0n;
  const destination = unit.interruptTable.isExtended ? 0n : 0xffff_00ff_0000_0000n;
  return (low & (0xff00_7000n | destination)) !== 0n || high >> 20n !== 0n || bits(high, 19, 18) === 3;
}

/** SVT and SQ. */
function isSourceRight(high: bigint, sourceId: number): boolean {
  const expected = bits(high, 15, 0);
  const ignored = [0, 4, 6, 7][bits(high, 17, 16)]!;
  switch (bits(high, 19, 18)) {
    case 0: return true;
    case 1: return (expected & ~ignored) === (sourceId & ~ignored);
    default: return sourceId >> 8 >= expected >> 8 && sourceId >> 8 <= (expected & 0xff);
  }
}

/** Sets the vector's bit in PIR and ON. */
function post(unit: InterruptUnit, vector: number, descriptor: bigint): DeliveredInterrupt {
  const word = Number(descriptor) + (vector >> 5) * 4;
  unit.memory.write(word, 4, unit.memory.read(word, 4) | (1n << BigInt(vector & 31)));
  const control = unit.memory.read(Number(descriptor) + 32, 4);
  unit.memory.write(Number(descriptor) + 32, 4, control | 1n);
  const destination = Number(unit.memory.read(Number(descriptor) + 36, 4));
  const isExtended = unit.interruptTable.isExtended;
  return { vector: bits(control, 23, 16), destination: isExtended ? destination : (destination >> 8) & 0xff, posted: descriptor };
}
