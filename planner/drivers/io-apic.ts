// I/O APICs of the real machine (82093AA data sheet, section 3).

import { load32, store32 } from "../../kernel/memory/physical";
import { interruptFlags, interruptOverride, ioApicAddress, ioApicBase, ioApicCount } from "./acpi/madt";

/** Offsets in the register window. */
const SELECT: u64 = 0x00; // IOREGSEL
const WINDOW: u64 = 0x10; // IOWIN

/** Indirect registers. */
const enum Register {
  Version = 0x01, // bits 23:16: number of the last redirection entry
  Redirection = 0x10, // two registers for each entry
}

/** Redirection entry, low half. */
const enum Redirection {
  HandleBit15 = 1 << 11, // remappable format, VT-d 4.1 5.1.5.1
  ActiveLow = 1 << 13,
  Level = 1 << 15,
  Masked = 1 << 16,
}

/** Redirection entry, high half, in remappable format: this bit, and bits 14:0 of the handle above it. */
const REMAPPABLE: u32 = 1 << 16;
const HANDLE_SHIFT: u32 = 17;

export const NO_IO_APIC: u32 = 0xffffffff;

export const enum RouteStatus {
  Done = 0,
  /** No I/O APIC has this interrupt. */
  NoSuchInterrupt = 1,
  /** The core's APIC identifier needs interrupt remapping to be reached. */
  CoreUnreachable = 2,
  /** The DMAR table names no source id for the I/O APIC or HPET. */
  SourceUnknown = 3,
  /** The interrupt remapping table is full. */
  TableFull = 4,
  /** The unit did not take the interrupt remapping entry. */
  EntryRefused = 5,
}

function read(address: u64, register: u32): u32 {
  store32(address + SELECT, register);
  return load32(address + WINDOW);
}

function write(address: u64, register: u32, value: u32): void {
  store32(address + SELECT, register);
  store32(address + WINDOW, value);
}

function entryCount(address: u64): u32 {
  return ((read(address, Register.Version) >> 16) & 0xff) + 1;
}

/** Masks every interrupt of every I/O APIC. */
export function maskAll(): void {
  for (let i: u32 = 0; i < ioApicCount(); i++) {
    const address = ioApicAddress(i);
    const entries = entryCount(address);
    for (let entry: u32 = 0; entry < entries; entry++) {
      write(address, Register.Redirection + entry * 2, Redirection.Masked);
    }
  }
}

/** Index of the I/O APIC that takes the ISA interrupt `irq`, or NO_IO_APIC. */
export function isaIoApic(irq: u32): u32 {
  const gsi = interruptOverride(irq);
  for (let i: u32 = 0; i < ioApicCount(); i++) {
    if (gsi >= ioApicBase(i) && gsi - ioApicBase(i) < entryCount(ioApicAddress(i))) return i;
  }
  return NO_IO_APIC;
}

/** Sends the ISA interrupt `irq` as `vector` to the core `apicId`. */
export function routeIsa(irq: u32, vector: u32, apicId: u32): RouteStatus {
  if (apicId > 0xff) return RouteStatus.CoreUnreachable;
  return redirect(irq, vector, apicId << 24);
}

/**
 * Sends the ISA interrupt `irq` by way of the interrupt remapping entry `index`, which must have the same `vector` and the
 * trigger mode that isaIsLevel() tells: the I/O APIC knows an end of interrupt by its vector.
 */
export function routeIsaRemapped(irq: u32, vector: u32, index: u32): RouteStatus {
  const handleBit15: u32 = (index & 0x8000) != 0 ? Redirection.HandleBit15 : 0;
  return redirect(irq, vector | handleBit15, REMAPPABLE | ((index & 0x7fff) << HANDLE_SHIFT));
}

function redirect(irq: u32, low: u32, high: u32): RouteStatus {
  const ioApic = isaIoApic(irq);
  if (ioApic == NO_IO_APIC) return RouteStatus.NoSuchInterrupt;
  const address = ioApicAddress(ioApic);
  const register = Register.Redirection + (interruptOverride(irq) - ioApicBase(ioApic)) * 2;
  // An entry that is in use must not send with halves of two routes.
  write(address, register, Redirection.Masked);
  write(address, register + 1, high);
  write(address, register, low | lineBits(interruptFlags(irq)));
  return RouteStatus.Done;
}

/** Whether an ISA interrupt is level triggered. */
export function isaIsLevel(irq: u32): bool {
  return (lineBits(interruptFlags(irq)) & Redirection.Level) != 0;
}

/** ISA interrupts are active high and edge triggered unless the MADT says otherwise. */
function lineBits(flags: u32): u32 {
  const activeLow: u32 = (flags & 3) == 3 ? Redirection.ActiveLow : 0;
  const level: u32 = ((flags >> 2) & 3) == 3 ? Redirection.Level : 0;
  return activeLow | level;
}
