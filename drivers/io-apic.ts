// I/O APICs of the real machine (82093AA data sheet, section 3).

import { load32, store32 } from "../kernel/memory/physical";
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
  ActiveLow = 1 << 13,
  Level = 1 << 15,
  Masked = 1 << 16,
}

export const enum RouteStatus {
  Done = 0,
  /** No I/O APIC has this interrupt. */
  NoSuchInterrupt = 1,
  /** The core's APIC identifier needs interrupt remapping to be reached. */
  CoreUnreachable = 2,
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

/** Sends the ISA interrupt `irq` as `vector` to the core `apicId`. */
export function routeIsa(irq: u32, vector: u32, apicId: u32): RouteStatus {
  if (apicId > 0xff) return RouteStatus.CoreUnreachable;
  const gsi = interruptOverride(irq);
  for (let i: u32 = 0; i < ioApicCount(); i++) {
    const address = ioApicAddress(i);
    const base = ioApicBase(i);
    if (gsi < base || gsi - base >= entryCount(address)) continue;
    const register = Register.Redirection + (gsi - base) * 2;
    write(address, register + 1, apicId << 24);
    write(address, register, vector | lineBits(interruptFlags(irq)));
    return RouteStatus.Done;
  }
  return RouteStatus.NoSuchInterrupt;
}

/** ISA interrupts are active high and edge triggered unless the MADT says otherwise. */
function lineBits(flags: u32): u32 {
  const activeLow: u32 = (flags & 3) == 3 ? Redirection.ActiveLow : 0;
  const level: u32 = ((flags >> 2) & 3) == 3 ? Redirection.Level : 0;
  return activeLow | level;
}
