// Address space resource descriptors (ACPI 5.0, 6.4.3.5): what a bridge passes on to its bus.

import { put16, put32, put8 } from "./writer";

/** Large resource items, tag and bytes that follow. */
const enum Tag { DwordSpace = 0x87, WordSpace = 0x88 }
const enum Length { DwordSpace = 0x17, WordSpace = 0x0d }

const enum SpaceType { Memory = 0, Io = 1, BusNumber = 2 }

/** General flags: ResourceProducer, PosDecode. */
const enum General { MinimumFixed = 1 << 2, MaximumFixed = 1 << 3 }

const enum Specific {
  ReadWrite = 1 << 0, // memory, not cacheable
  EntireRange = 3, // I/O, ISA and non-ISA
}

export const WORD_SPACE_SIZE: u32 = 16;
export const DWORD_SPACE_SIZE: u32 = 26;

function putSpaceFlags(type: SpaceType, specific: u32): void {
  put8(type);
  put8(General.MinimumFixed | General.MaximumFixed);
  put8(specific);
}

function putWordSpace(type: SpaceType, specific: u32, first: u32, last: u32): void {
  put8(Tag.WordSpace);
  put16(Length.WordSpace);
  putSpaceFlags(type, specific);
  put16(0); // granularity
  put16(first);
  put16(last);
  put16(0); // translation
  put16(last - first + 1);
}

/** WordBusNumber (ResourceProducer, MinFixed, MaxFixed, PosDecode, 0, first, last, 0, last - first + 1) */
export function putBusNumbers(first: u32, last: u32): void {
  putWordSpace(SpaceType.BusNumber, 0, first, last);
}

/** WordIO (ResourceProducer, MinFixed, MaxFixed, PosDecode, EntireRange, 0, first, last, 0, last - first + 1) */
export function putIoWindow(first: u32, last: u32): void {
  putWordSpace(SpaceType.Io, Specific.EntireRange, first, last);
}

/** DWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed, NonCacheable, ReadWrite, 0, first, last, 0, last - first + 1) */
export function putMemoryWindow(first: u32, last: u32): void {
  put8(Tag.DwordSpace);
  put16(Length.DwordSpace);
  putSpaceFlags(SpaceType.Memory, Specific.ReadWrite);
  put32(0); // granularity
  put32(first);
  put32(last);
  put32(0); // translation
  put32(last - first + 1);
}
