// The shared frames through which core 0, which owns the consoles, and the other cores pass bytes. Each ring has one
// producer and one consumer and needs no lock.
//
//   page 0        control: who has the keyboard, core 0's APIC identifier
//   page 1        input rings, one of INPUT_RING_SIZE bytes for each partition: core 0 to the partition's core
//   page 2 + 3*n  output ring of core n: core n to core 0

import { clear, compareExchange32, load8, load16, load32, store16, store32, store8 } from "../memory/physical";
import { MAXIMUM_PARTITIONS } from "../policy/layout";
import { sendFixed } from "../../drivers/local-apic";
import { HostVector } from "../../drivers/vectors";
import { KERNEL_SOURCES, NOBODY } from "./multiplexer";

const enum Control {
  Shown = 0, // u32, partition that has the keyboard
  BootApicId = 4, // u32
}

/** Offsets in an output ring. Head and tail count entries since start and lie in cache lines of their own. */
const enum Output {
  Head = 0x000, // u32, written by the producer
  Tail = 0x040, // u32, written by core 0
  LostReported = 0x044, // u32, written by core 0
  Signalled = 0x080, // u32, 1 while an interrupt to core 0 is on its way
  Lost = 0x0c0, // u32, kernel lines cut short or dropped, written by the producer
  Entries = 0x1000, // OUTPUT_CAPACITY entries of u16: source << 8 | byte
}

/** Offsets in an input ring. */
const enum Input {
  Head = 0x00, // u32, written by core 0
  Tail = 0x40, // u32, written by the partition's core
  Bytes = 0x80, // INPUT_CAPACITY bytes
}

const CONTROL_PAGES: u32 = 2;
const OUTPUT_PAGES: u32 = 3;
const OUTPUT_CAPACITY: u32 = 4096;
const INPUT_RING_SIZE: u32 = 256;
const INPUT_CAPACITY: u32 = 128;
const PAGE: u64 = 4096;

export const NO_ENTRY: u32 = u32.MAX_VALUE;
/** Source of what goes to the screen alone: a fatal report of another core, which reaches all other consoles itself. */
export const SCREEN_SOURCE: u32 = 0xfe;

let area: u64 = 0;
let cores: u32 = 0;
/** Output ring of this core; 0 on core 0. */
let ownRing: u64 = 0;
let ownCore: u32 = 0;

/** Contiguous pages that `coreCount` cores need. */
export function ringPages(coreCount: u32): u32 { return CONTROL_PAGES + coreCount * OUTPUT_PAGES; }

function outputRing(core: u32): u64 { return area + <u64>(CONTROL_PAGES + core * OUTPUT_PAGES) * PAGE; }

function inputRing(partition: u32): u64 { return area + PAGE + <u64>(partition * INPUT_RING_SIZE); }

/** Core 0: takes frames of ringPages(coreCount) pages into use. */
export function createRings(frames: u64, coreCount: u32, bootApicId: u32): void {
  clear(frames, <u64>ringPages(coreCount) * PAGE);
  area = frames;
  cores = coreCount;
  store32(area + Control.Shown, NOBODY);
  store32(area + Control.BootApicId, bootApicId);
}

/** Another core: prints through the rings at `frames` from now on. */
export function attachRings(frames: u64, core: u32): void {
  area = frames;
  ownCore = core;
  ownRing = outputRing(core);
}

/** True on a core that prints through its ring. */
export function isAttached(): bool { return ownRing != 0; }

/** Core 0: the partition whose bytes are signalled one by one. */
export function setShown(partition: u32): void {
  if (area != 0) store32(area + Control.Shown, partition);
}

function putEntry(source: u32, byte: u8): bool {
  const head = load32(ownRing + Output.Head);
  if (head - load32(ownRing + Output.Tail) >= OUTPUT_CAPACITY) return false;
  const slot = ownRing + Output.Entries + (<u64>(head % OUTPUT_CAPACITY) << 1);
  store16(slot, <u16>((source << 8) | byte));
  store32(ownRing + Output.Head, head + 1);
  return true;
}

/** Puts a byte of this core's kernel output; false if the ring is full. */
export function putKernelRingByte(byte: u8): bool { return putEntry(KERNEL_SOURCES + ownCore, byte); }

/** Puts a byte for the screen; false if the ring is full. */
export function putScreenRingByte(byte: u8): bool { return putEntry(SCREEN_SOURCE, byte); }

/** Counts a line of this core that did not fit; core 0 says so. */
export function countLostLine(): void {
  store32(ownRing + Output.Lost, load32(ownRing + Output.Lost) + 1);
}

/** Puts a byte of a partition on this core; false if the ring is full. */
export function putPartitionRingByte(partition: u32, byte: u8): bool {
  if (!putEntry(partition, byte)) {
    signalCore0();
    return false;
  }
  const waiting = load32(ownRing + Output.Head) - load32(ownRing + Output.Tail);
  const atOnce = load32(area + Control.Shown) == partition;
  if (atOnce || byte == 0x0a || waiting > OUTPUT_CAPACITY / 2) signalCore0();
  return true;
}

/** Asks core 0 to empty this core's ring, once for all that gathers until it does. */
export function signalCore0(): void {
  if (compareExchange32(ownRing + Output.Signalled, 0, 1) != 0) return;
  sendFixed(load32(area + Control.BootApicId), HostVector.Mailbox);
}

/** Core 0: number of cores that have an output ring. */
export function ringCores(): u32 { return cores; }

/** Core 0: from here on the core signals again; to be called before its ring is emptied. */
export function acceptSignal(core: u32): void {
  compareExchange32(outputRing(core) + Output.Signalled, 1, 0);
}

/** Core 0: next entry of a core's ring, source << 8 | byte, or NO_ENTRY. */
export function takeEntry(core: u32): u32 {
  const ring = outputRing(core);
  const tail = load32(ring + Output.Tail);
  if (tail == load32(ring + Output.Head)) return NO_ENTRY;
  const entry: u32 = load16(ring + Output.Entries + (<u64>(tail % OUTPUT_CAPACITY) << 1));
  store32(ring + Output.Tail, tail + 1);
  return entry;
}

/** Core 0: lines that a core lost since the last call. */
export function takeLostLines(core: u32): u32 {
  const ring = outputRing(core);
  const lost = load32(ring + Output.Lost);
  const count = lost - load32(ring + Output.LostReported);
  store32(ring + Output.LostReported, lost);
  return count;
}

/** Core 0: gives a byte to a partition; false if its ring is full. */
export function putInput(partition: u32, byte: u8): bool {
  const ring = inputRing(partition);
  const head = load32(ring + Input.Head);
  if (head - load32(ring + Input.Tail) >= INPUT_CAPACITY) return false;
  store8(ring + Input.Bytes + (head % INPUT_CAPACITY), byte);
  store32(ring + Input.Head, head + 1);
  return true;
}

/** Next byte for a partition of this core, or NO_ENTRY. */
export function takeInputByte(partition: u32): u32 {
  if (area == 0 || partition >= MAXIMUM_PARTITIONS) return NO_ENTRY;
  const ring = inputRing(partition);
  const tail = load32(ring + Input.Tail);
  if (tail == load32(ring + Input.Head)) return NO_ENTRY;
  const byte: u32 = load8(ring + Input.Bytes + (tail % INPUT_CAPACITY));
  store32(ring + Input.Tail, tail + 1);
  return byte;
}
