// The capabilities that tell where the structures are (virtio 1.2 4.1.4), and the window to them in configuration space.

import { configValue, defineRegister, deviceOf } from "../pci/config-space";
import { DISK_FUNCTION } from "../pci/function-record";
import { BLOCK_CONFIGURATION_SIZE, Common, Region } from "./register";
import { readTransport, writeTransport } from "./transport";

/** Where each capability lies, behind those that every function can have. */
const enum Place {
  Common = 0x90,
  Notify = 0xa0,
  Isr = 0xb4,
  Device = 0xc4,
  Window = 0xd4,
}

/** cfg_type. */
const enum Structure { Common = 1, Notify = 2, Isr = 3, Device = 4, Window = 5 }

/** Fields of struct virtio_pci_cap. */
const enum Field {
  Bar = 0x04,
  Offset = 0x08,
  Length = 0x0c,
  Size = 0x10,
  NotifyMultiplier = 0x10, // notify_off_multiplier
  Data = 0x10, // pci_cfg_data
}

const VENDOR_SPECIFIC: u32 = 0x09;
const BAR_MASK: u32 = 0xff;
/** Both capabilities with a field more. */
const LONG_SIZE: u32 = 0x14;

/** Register through which the driver reaches the BAR without memory accesses (4.1.4.9). */
const WINDOW_DATA: u32 = Place.Window + <u32>Field.Data;

/** BAR 0, which is the only one. */
function define(place: u32, next: u32, size: u32, structure: Structure, offset: u32, length: u32): void {
  const device = deviceOf(DISK_FUNCTION);
  defineRegister(device, place, VENDOR_SPECIFIC | (next << 8) | (size << 16) | (<u32>structure << 24), 0);
  defineRegister(device, place + <u32>Field.Offset, offset, 0);
  defineRegister(device, place + <u32>Field.Length, length, 0);
}

/** All five, linked; returns where the list begins. Every queue notifies at the same address. */
export function defineVirtioCapabilities(): u32 {
  const device = deviceOf(DISK_FUNCTION);
  define(Place.Common, Place.Notify, Field.Size, Structure.Common, Region.Common, Common.Size);
  define(Place.Notify, Place.Isr, LONG_SIZE, Structure.Notify, Region.Notify, 4);
  define(Place.Isr, Place.Device, Field.Size, Structure.Isr, Region.Isr, 1);
  define(Place.Device, Place.Window, Field.Size, Structure.Device, Region.Device, BLOCK_CONFIGURATION_SIZE);
  define(Place.Window, 0, LONG_SIZE, Structure.Window, 0, 0);
  defineRegister(device, Place.Window + <u32>Field.Bar, 0, BAR_MASK);
  defineRegister(device, Place.Window + <u32>Field.Offset, 0, u32.MAX_VALUE);
  defineRegister(device, Place.Window + <u32>Field.Length, 0, u32.MAX_VALUE);
  return Place.Common;
}

export function isWindow(index: u32, register: u32): bool {
  return index == DISK_FUNCTION && register == WINDOW_DATA;
}

function windowField(field: Field): u32 {
  return configValue(deviceOf(DISK_FUNCTION), Place.Window + <u32>field);
}

/** Whether the driver has chosen 1, 2 or 4 aligned bytes of what the BAR holds. */
function isUsable(): bool {
  const length = windowField(Field.Length);
  const offset = windowField(Field.Offset);
  const isSize = length == 1 || length == 2 || length == 4;
  return isSize && windowField(Field.Bar) == 0 && offset < <u32>Region.Size && (offset & (length - 1)) == 0;
}

export function readWindow(): u32 {
  return isUsable() ? <u32>readTransport(windowField(Field.Offset), windowField(Field.Length)) : 0;
}

export function writeWindow(value: u32): void {
  if (isUsable()) writeTransport(windowField(Field.Offset), windowField(Field.Length), value);
}
