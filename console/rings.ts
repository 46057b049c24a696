// The console's side of the rings to and from the cores.

import { Control, INPUT_CAPACITY, Input, NOBODY, NO_ENTRY, OUTPUT_CAPACITY, Output, inputRing, outputRing } from "../kernel/console/ring-layout";
import { ringCompareExchange32, ringLoad16, ringLoad32, ringStore32, ringStore8 } from "./imports";

let cores: u32 = 0;

/** Takes zeroed rings of this many cores into use. */
export function createRings(coreCount: u32): void {
  cores = coreCount;
  setShown(NOBODY);
}

/** Number of cores that have an output ring. */
export function ringCores(): u32 { return cores; }

/** The partition whose bytes are signalled one by one. */
export function setShown(partition: u32): void { ringStore32(Control.Shown, partition); }

/** From here on the core signals again; to be called before its ring is emptied. */
export function acceptSignal(core: u32): void { ringCompareExchange32(outputRing(core) + Output.Signalled, 1, 0); }

/** Next entry of a core's ring, source << 8 | byte, or NO_ENTRY. */
export function takeEntry(core: u32): u32 {
  const ring = outputRing(core);
  const tail = ringLoad32(ring + Output.Tail);
  if (tail == ringLoad32(ring + Output.Head)) return NO_ENTRY;
  const entry: u32 = ringLoad16(ring + Output.Entries + ((tail % OUTPUT_CAPACITY) << 1));
  ringStore32(ring + Output.Tail, tail + 1);
  return entry;
}

/** Lines that a core lost since the last call. */
export function takeLostLines(core: u32): u32 {
  const ring = outputRing(core);
  const lost = ringLoad32(ring + Output.Lost);
  const count = lost - ringLoad32(ring + Output.LostReported);
  ringStore32(ring + Output.LostReported, lost);
  return count;
}

/** Gives a byte to a partition; false if its ring is full. */
export function putInput(partition: u32, byte: u8): bool {
  const ring = inputRing(partition);
  const head = ringLoad32(ring + Input.Head);
  if (head - ringLoad32(ring + Input.Tail) >= INPUT_CAPACITY) return false;
  ringStore8(ring + Input.Bytes + (head % INPUT_CAPACITY), byte);
  ringStore32(ring + Input.Head, head + 1);
  return true;
}
