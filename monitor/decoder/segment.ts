// Segments: from an offset to a linear address, and what the processor checks on the way (SDM 3A 3.4.4, 5.3, 5.5).

import { Mailbox, SegmentFrame, VcpuFrame } from "../interface";
import { Exception, raise } from "./fault";
import { Rflags, frame, isLongMode } from "./frame";

/** In encoding order (SDM 2A table B-8). */
export const enum Segment { Es = 0, Cs = 1, Ss = 2, Ds = 3, Fs = 4, Gs = 5 }

/** SDM 3C table 25-2. The lower names are of data segments, Readable is of code segments. */
const enum Rights { Writable = 1 << 1, Readable = 1 << 1, ExpandDown = 1 << 2, Code = 1 << 3, Big = 1 << 14, Unusable = 1 << 16 }

const enum Cr { Cr0Pe = 1 << 0, Cr4La57 = 1 << 12 }

// @ts-ignore: decorator
@inline function place(segment: Segment): usize {
  return Mailbox.Segments + segment * SegmentFrame.Size;
}

/** Outside 64-bit mode every segment counts, in it only FS and GS (SDM 3A 3.2.4). */
export function linearAddress(segment: Segment, offset: u64): u64 {
  if (!isLongMode()) return (load<u64>(place(segment) + SegmentFrame.Base) + offset) & 0xffffffff;
  return segment >= Segment.Fs ? load<u64>(place(segment) + SegmentFrame.Base) + offset : offset;
}

/** Whether `size` bytes at `offset` may be accessed; if not, #GP or #SS is raised. */
export function checkSegment(segment: Segment, offset: u64, size: u32, isWrite: bool): bool {
  if (isLongMode() ? isCanonicalRange(linearAddress(segment, offset), size) : isInsideSegment(segment, offset, size, isWrite)) return true;
  raise(segment == Segment.Ss ? Exception.Ss : Exception.Gp);
  return false;
}

/** Bytes of the stack pointer. */
export function stackWidth(): u32 {
  if (isLongMode()) return 8;
  return load<u32>(place(Segment.Ss) + SegmentFrame.Rights) & Rights.Big ? 4 : 2;
}

/** Whether a jump may go to `offset`. */
export function isCodeAddress(offset: u64): bool {
  return isLongMode() ? isCanonical(offset) : offset <= load<u32>(place(Segment.Cs) + SegmentFrame.Limit);
}

function isCanonicalRange(linear: u64, size: u32): bool {
  return isCanonical(linear) && isCanonical(linear + size - 1);
}

/** SDM 1 3.3.7.1: the bits above the highest one of the paging mode repeat it. */
export function isCanonical(linear: u64): bool {
  const unused: u64 = frame(VcpuFrame.Cr4) & <u64>Cr.Cr4La57 ? 7 : 16;
  return <u64>((<i64>(linear << unused)) >> unused) == linear;
}

function isInsideSegment(segment: Segment, offset: u64, size: u32, isWrite: bool): bool {
  const rights = load<u32>(place(segment) + SegmentFrame.Rights);
  const limit = load<u32>(place(segment) + SegmentFrame.Limit);
  if (isProtected() && !isTypeRight(rights, isWrite)) return false;
  const last = offset + size - 1;
  if ((rights & (Rights.Code | Rights.ExpandDown)) != Rights.ExpandDown) return last <= limit;
  return offset > limit && last <= (rights & Rights.Big ? <u64>0xffffffff : <u64>0xffff);
}

/** Real and virtual-8086 mode know no types. */
export function isProtected(): bool {
  return (frame(VcpuFrame.Cr0) & <u64>Cr.Cr0Pe) != 0 && !(frame(VcpuFrame.Rflags) & <u64>Rflags.Vm);
}

function isTypeRight(rights: u32, isWrite: bool): bool {
  if (rights & Rights.Unusable) return false;
  if (rights & Rights.Code) return !isWrite && (rights & Rights.Readable) != 0;
  return !isWrite || (rights & Rights.Writable) != 0;
}
