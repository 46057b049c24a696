// I/O APIC with 24 pins and an EOI register (82093AA data sheet 3.0; version 20h of the ICH's).

import { BROADCAST, deliver, DeliveryMode } from "./local-apic/delivery";

const PIN_COUNT: u32 = 24;
const VERSION: u32 = (PIN_COUNT - 1) << 16 | 0x20;

/** Offsets in the register page. */
const enum Window {
  Select = 0x00, // IOREGSEL
  Data = 0x10, // IOWIN
  EndOfInterrupt = 0x40, // EOIR
}

/** Index registers. */
const enum Index {
  Identifier = 0x00,
  Version = 0x01,
  Arbitration = 0x02,
  Redirection = 0x10, // two for each pin
}

/** Redirection table entry, low half. */
const enum Entry {
  VectorMask = 0xff,
  DeliveryModeShift = 8,
  Logical = 1 << 11,
  DeliveryStatus = 1 << 12,
  RemoteIrr = 1 << 14,
  Level = 1 << 15,
  Masked = 1 << 16,
  ReadOnly = DeliveryStatus | RemoteIrr,
  Writable = 0x1ffff,
}

const DESTINATION_SHIFT: u32 = 24; // in the high half

const ENTRIES = memory.data(192, 8); // low and high half of each pin
let lines: u32 = 0; // one bit a pin
let selected: u32 = 0;
let identifier: u32 = 0;

// @ts-ignore: decorator
@inline function entryAddress(pin: u32): usize {
  return ENTRIES + (pin << 3);
}

export function resetIoApic(): void {
  lines = 0;
  selected = 0;
  identifier = 0;
  for (let pin: u32 = 0; pin < PIN_COUNT; pin++) {
    store<u32>(entryAddress(pin), Entry.Masked);
    store<u32>(entryAddress(pin), 0, 4);
  }
}

function deliveryMode(entry: u32): u32 {
  return (entry >> Entry.DeliveryModeShift) & 7;
}

/** SMI, NMI and INIT are edges even if the entry says level. */
function isLevelTriggered(entry: u32): bool {
  return (entry & Entry.Level) != 0 && deliveryMode(entry) <= <u32>DeliveryMode.LowestPriority;
}

/** Sends the pin's interrupt unless it is masked or, being level-triggered, not yet ended. */
function service(pin: u32): void {
  const entry = load<u32>(entryAddress(pin));
  if ((entry & Entry.Masked) != 0) return;
  const isLevel = isLevelTriggered(entry);
  if (isLevel && (entry & Entry.RemoteIrr) != 0) return;
  const destination = load<u32>(entryAddress(pin), 4) >> DESTINATION_SHIFT;
  const isAccepted = deliver(destination, (entry & Entry.Logical) != 0, BROADCAST, deliveryMode(entry), entry & Entry.VectorMask, isLevel);
  if (isLevel && isAccepted) store<u32>(entryAddress(pin), entry | Entry.RemoteIrr);
}

function serviceIfLevel(pin: u32): void {
  if (isLevelTriggered(load<u32>(entryAddress(pin))) && ((lines >> pin) & 1) != 0) service(pin);
}

/** A local APIC has been enabled: level-triggered interrupts that nobody accepted are sent again. */
export function retryIoApic(): void {
  for (let pin: u32 = 0; pin < PIN_COUNT; pin++) serviceIfLevel(pin);
}

/** Asserts or releases a pin. The entry's polarity bit is kept but not looked at, as every board's lines are what its tables say. An edge on a masked pin is lost. */
export function setIoApicLine(pin: u32, isAsserted: bool): void {
  const bit: u32 = 1 << pin;
  if (!isAsserted) {
    lines &= ~bit;
    return;
  }
  if ((lines & bit) != 0) return;
  lines |= bit;
  service(pin);
}

/** EOI broadcast of a level-triggered vector; a pin still asserted interrupts again. */
export function endOfInterrupt(vector: u32): void {
  for (let pin: u32 = 0; pin < PIN_COUNT; pin++) {
    const entry = load<u32>(entryAddress(pin));
    if ((entry & Entry.VectorMask) != vector || (entry & Entry.RemoteIrr) == 0) continue;
    store<u32>(entryAddress(pin), entry & ~Entry.RemoteIrr);
    serviceIfLevel(pin);
  }
}

/** Delivery status is "send pending" while nobody accepts what a level-triggered pin asks for. */
function readLowHalf(pin: u32): u32 {
  const entry = load<u32>(entryAddress(pin));
  const isPending = isLevelTriggered(entry) && (entry & (Entry.Masked | Entry.RemoteIrr)) == 0 && ((lines >> pin) & 1) != 0;
  return isPending ? entry | Entry.DeliveryStatus : entry;
}

function readIndex(): u32 {
  switch (selected) {
    case Index.Identifier:
    case Index.Arbitration: return identifier;
    case Index.Version: return VERSION;
  }
  const half = selected - Index.Redirection;
  if (half >= PIN_COUNT * 2) return 0;
  return (half & 1) == 0 ? readLowHalf(half >> 1) : load<u32>(ENTRIES + (half << 2));
}

/** Making a pin edge-triggered clears remote IRR; software relies on it to end an interrupt. */
function writeLowHalf(pin: u32, value: u32): void {
  let entry = (value & Entry.Writable & ~Entry.ReadOnly) | (load<u32>(entryAddress(pin)) & Entry.ReadOnly);
  if ((entry & Entry.Level) == 0) entry &= ~Entry.RemoteIrr;
  store<u32>(entryAddress(pin), entry);
  serviceIfLevel(pin);
}

function writeIndex(value: u32): void {
  if (selected == Index.Identifier) {
    identifier = value & 0x0f000000;
    return;
  }
  const half = selected - Index.Redirection;
  if (half >= PIN_COUNT * 2) return;
  if ((half & 1) == 0) writeLowHalf(half >> 1, value);
  else store<u32>(ENTRIES + (half << 2), value & 0xff000000);
}

/** Reads at `offset` of the register page. */
export function readIoApic(offset: u32): u32 {
  switch (offset) {
    case Window.Select: return selected;
    case Window.Data: return readIndex();
    default: return 0;
  }
}

export function writeIoApic(offset: u32, value: u32): void {
  switch (offset) {
    case Window.Select:
      selected = value & 0xff;
      return;
    case Window.Data:
      writeIndex(value);
      return;
    case Window.EndOfInterrupt:
      endOfInterrupt(value & 0xff);
      return;
  }
}
