// A core's side of the rings to and from the console on core 0.

import { compareExchange32, load8, load32, store16, store32 } from "../memory/physical";
import { coreApicId } from "../partition/plan-machine";
import { MAXIMUM_PARTITIONS } from "../policy/layout";
import { sendFixed } from "../../drivers/local-apic";
import { HostVector } from "../../drivers/vectors";
import { Control, INPUT_CAPACITY, Input, KERNEL_SOURCES, NO_ENTRY, OUTPUT_CAPACITY, Output, SCREEN_SOURCE, inputRing, outputRing } from "./ring-layout";

let area: u64 = 0;
/** Output ring of this core; 0 on core 0. */
let ownRing: u64 = 0;
let ownCore: u32 = 0;

/** The rings lie in the frames at `frames`. */
export function placeRings(frames: u64): void { area = frames; }

/** Another core: prints through the rings at `frames` from now on. */
export function attachRings(frames: u64, core: u32): void {
  area = frames;
  ownCore = core;
  ownRing = frames + outputRing(core);
}

/** True on a core that prints through its ring. */
export function isAttached(): bool { return ownRing != 0; }

/** Core 0: nobody empties the rings any more. */
export function closeRings(): void {
  if (area != 0) store32(area + Control.Closed, 1);
}

/** True once what is put into the rings is dropped. */
export function areRingsClosed(): bool { return load32(area + Control.Closed) != 0; }

function putEntry(source: u32, byte: u8): bool {
  const head = load32(ownRing + Output.Head);
  if (head - load32(ownRing + Output.Tail) >= OUTPUT_CAPACITY) return areRingsClosed();
  const slot = ownRing + Output.Entries + (<u64>(head % OUTPUT_CAPACITY) << 1);
  store16(slot, <u16>((source << 8) | byte));
  store32(ownRing + Output.Head, head + 1);
  return true;
}

/** Puts a byte of this core's kernel output; false if the ring is full. */
export function putKernelRingByte(byte: u8): bool { return putEntry(KERNEL_SOURCES + ownCore, byte); }

/** Puts a byte for the screen; false if the ring is full. */
export function putScreenRingByte(byte: u8): bool { return putEntry(SCREEN_SOURCE, byte); }

/** Counts a line of this core that did not fit; the console says so. */
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
  sendFixed(coreApicId(0), HostVector.Mailbox);
}

/** Next byte for a partition of this core, or NO_ENTRY. */
export function takeInputByte(partition: u32): u32 {
  if (area == 0 || partition >= MAXIMUM_PARTITIONS) return NO_ENTRY;
  const ring = area + inputRing(partition);
  const tail = load32(ring + Input.Tail);
  if (tail == load32(ring + Input.Head)) return NO_ENTRY;
  const byte: u32 = load8(ring + Input.Bytes + (tail % INPUT_CAPACITY));
  store32(ring + Input.Tail, tail + 1);
  return byte;
}
