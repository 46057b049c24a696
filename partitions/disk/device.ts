// Finds a virtio block device on bus 0 and initialises it (virtio 1.2 3.1.1, 4.1); it is polled, or by its pin when told so.

import { readConfig, readWord, writeConfig, writeWord } from "./words";

const IDENTITY: u32 = 0x10421af4;
const COMMAND: u32 = 0x04;
const MEMORY_AND_BUS_MASTER: u32 = 6;
const FIRST_BAR: u32 = 0x10;
const INTERRUPT_LINE: u32 = 0x3c;
const CAPABILITIES: u32 = 0x34;
const VENDOR_SPECIFIC: u32 = 0x09;
const DEVICES: u32 = 32;
const LONGEST_LIST: u32 = 48;

/** cfg_type of a capability. */
const enum Structure { Common = 1, Notify = 2, Isr = 3, Device = 4 }

/** Words of the common configuration. */
const enum Common { FeatureSelect = 0x08, Feature = 0x0c, Status = 0x14, QueueSize = 0x18, QueueEnable = 0x1c, Addresses = 0x20 }

const enum Status { Driver = 3, FeaturesOk = 8, DriverOk = 4, NeedsReset = 64 }

/** Guest-physical addresses of the rings, which nothing else in the partition uses. */
export const DESCRIPTORS: u64 = 0x380000;
export const AVAILABLE: u64 = 0x381000;
export const USED: u64 = 0x382000;
export const QUEUE_SIZE: u32 = 8;
const NO_VECTOR: u32 = 0xffff << 16;
const NO_INTERRUPT: u32 = 1;
const VERSION_1: u32 = 1;

let common: u64 = 0;
let notification: u64 = 0;
let configuration: u64 = 0;
let isr: u64 = 0;
let header: u32 = 0;

/** Whether there is a disk; it is ready for requests then. */
export function openDisk(): bool {
  const device = findDevice();
  if (device == DEVICES) return false;
  writeConfig(device, COMMAND, MEMORY_AND_BUS_MASTER);
  common = findStructure(device, Structure.Common);
  notification = findStructure(device, Structure.Notify);
  configuration = findStructure(device, Structure.Device);
  isr = findStructure(device, Structure.Isr);
  header = device;
  resetDisk();
  return true;
}

function findDevice(): u32 {
  let device: u32 = 0;
  while (device < DEVICES && readConfig(device, 0) != IDENTITY) device++;
  return device;
}

function findStructure(device: u32, structure: Structure): u64 {
  let at = readConfig(device, CAPABILITIES) & 0xfc;
  for (let count: u32 = 0; at != 0 && count < LONGEST_LIST; count++) {
    const header = readConfig(device, at);
    if ((header & 0xff) == VENDOR_SPECIFIC && header >> 24 == <u32>structure) {
      const bar = readConfig(device, FIRST_BAR + ((readConfig(device, at + 4) & 7) << 2)) & ~0xf;
      return <u64>bar + <u64>readConfig(device, at + 8);
    }
    at = (header >> 8) & 0xfc;
  }
  return 0;
}

/** Begins anew, with empty rings. */
export function resetDisk(): void {
  writeWord(common + Common.Status, 0);
  for (let offset: u64 = 0; offset < 0x3000; offset += 4) writeWord(DESCRIPTORS + offset, 0);
  writeWord(AVAILABLE, NO_INTERRUPT);
  writeWord(common + Common.Status, Status.Driver);
  for (let word: u32 = 0; word < 2; word++) {
    writeWord(common + Common.FeatureSelect, word);
    writeWord(common + Common.Feature, word == 1 ? VERSION_1 : 0);
  }
  writeWord(common + Common.Status, <u32>Status.Driver | Status.FeaturesOk);
  writeWord(common + Common.QueueSize, QUEUE_SIZE | NO_VECTOR);
  writeWord(common + Common.Addresses, <u32>DESCRIPTORS);
  writeWord(common + Common.Addresses + 8, <u32>AVAILABLE);
  writeWord(common + Common.Addresses + 16, <u32>USED);
  writeWord(common + Common.QueueEnable, 1);
  writeWord(common + Common.Status, <u32>Status.Driver | Status.FeaturesOk | Status.DriverOk);
}

export function needsReset(): bool {
  return (readWord(common + Common.Status) & <u32>Status.NeedsReset) != 0;
}

/** Sectors of 512 bytes, as far as 32 bits tell. */
export function diskSectors(): u32 {
  return readWord(configuration);
}

/** Lets the device interrupt, by its pin as long as MSI-X is off. */
export function allowInterrupts(isAllowed: bool): void {
  writeWord(AVAILABLE, (readWord(AVAILABLE) & 0xffff0000) | (isAllowed ? 0 : NO_INTERRUPT));
}

/** Interrupt Line: the PIC's request, which is the I/O APIC's pin too. */
export function interruptLine(): u32 {
  return readConfig(header, INTERRUPT_LINE) & 0xff;
}

/** Reading it releases the pin. */
export function takeIsr(): u32 {
  return readWord(isr) & 0xff;
}

export function notifyDisk(): void {
  writeWord(notification, 0);
}
