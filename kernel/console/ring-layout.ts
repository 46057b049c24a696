// The shared frames through which the console on core 0 and the other cores pass bytes. Each ring has one producer and one
// consumer and needs no lock.
//
//   page 0        control
//   page 1        input rings, one of INPUT_RING_SIZE bytes for each partition: console to the partition's core
//   page 2 + 3*n  output ring of core n: core n to the console

import { MAXIMUM_PARTITIONS } from "../policy/layout";

export const enum Control {
  Shown = 0, // u32, partition that has the keyboard
  Closed = 4, // u32, 1 when nobody empties the rings any more
}

/** Offsets in an output ring. Head and tail count entries since start and lie in cache lines of their own. */
export const enum Output {
  Head = 0x000, // u32, written by the producer
  Tail = 0x040, // u32, written by the console
  LostReported = 0x044, // u32, written by the console
  Signalled = 0x080, // u32, 1 while an interrupt to core 0 is on its way
  Lost = 0x0c0, // u32, kernel lines cut short or dropped, written by the producer
  Entries = 0x1000, // OUTPUT_CAPACITY entries of u16: source << 8 | byte
}

/** Offsets in an input ring. */
export const enum Input {
  Head = 0x00, // u32, written by the console
  Tail = 0x40, // u32, written by the partition's core
  Bytes = 0x80, // INPUT_CAPACITY bytes
}

export const OUTPUT_CAPACITY: u32 = 4096;
export const INPUT_CAPACITY: u32 = 128;
const CONTROL_PAGES: u32 = 2;
const OUTPUT_PAGES: u32 = 3;
const INPUT_RING_SIZE: u32 = 256;
const PAGE: u32 = 4096;

/** Sources are the partitions by their number, and from here on the kernel on each core. */
export const KERNEL_SOURCES: u32 = MAXIMUM_PARTITIONS;
/** Source of what goes to the screen alone: a fatal report of another core, which reaches all other consoles itself. */
export const SCREEN_SOURCE: u32 = 0xfe;
export const NOBODY: u32 = 0xff;
export const NO_ENTRY: u32 = u32.MAX_VALUE;

/** Contiguous pages that `coreCount` cores need. */
export function ringPages(coreCount: u32): u32 { return CONTROL_PAGES + coreCount * OUTPUT_PAGES; }

/** Offset of a core's output ring. */
export function outputRing(core: u32): u32 { return (CONTROL_PAGES + core * OUTPUT_PAGES) * PAGE; }

/** Offset of a partition's input ring. */
export function inputRing(partition: u32): u32 { return PAGE + partition * INPUT_RING_SIZE; }
