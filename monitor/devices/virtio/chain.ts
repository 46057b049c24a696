// One chain of descriptors (virtio 1.2 2.7.5), copied out of guest memory so that it stays what it was when it was checked.

import { load16, load32, load64 } from "../../imports";
import { Area, MAXIMUM_QUEUE_SIZE, queueArea, queueSize } from "./queue";
import { Descriptor, DescriptorFlag } from "./register";

// @ts-ignore: decorator
@unmanaged export class Segment {
  /** Guest-physical. */
  address: u64;
  /** Bytes. */
  length: u64;
}

const SEGMENT_SHIFT: u32 = 4;
const SEGMENTS = memory.data(4096, 8); // MAXIMUM_QUEUE_SIZE records

let count: u32 = 0;
let firstWritable: u32 = 0;
let readable: u64 = 0;
let writable: u64 = 0;
let last: u64 = 0;

/** Number of segments; those that the device reads come first. */
export function segmentCount(): u32 {
  return count;
}

/** Index of the first segment that the device writes, segmentCount() if there is none. */
export function firstWritableSegment(): u32 {
  return firstWritable;
}

/** Bytes for the device to read. */
export function readableBytes(): u64 {
  return readable;
}

/** Bytes for the device to write. */
export function writableBytes(): u64 {
  return writable;
}

/** Guest-physical address of the last byte for the device to write, if there is one. */
export function lastWritableByte(): u64 {
  return last;
}

export function segmentAt(index: u32): Segment {
  return changetype<Segment>(SEGMENTS + (min<u32>(index, MAXIMUM_QUEUE_SIZE - 1) << SEGMENT_SHIFT));
}

/** Copies the chain that begins with descriptor `head`; false if no driver may write such a chain. */
export function gatherChain(head: u32, allowsIndirect: bool): bool {
  count = 0;
  firstWritable = 0;
  readable = 0;
  writable = 0;
  let table = queueArea(Area.Descriptors);
  let entries = queueSize();
  let index = head;
  let mayBeIndirect = allowsIndirect;
  // Each turn adds a segment, but for the one that goes over to an indirect table: a loop in the chain ends at the limit.
  while (index < entries) {
    const descriptor = table + <u64>index * Descriptor.Size;
    const flags = <u32>load16(descriptor + Descriptor.Flags);
    if ((flags & DescriptorFlag.Indirect) != 0) {
      const length = load32(descriptor + Descriptor.Length);
      if (!mayBeIndirect || (flags & DescriptorFlag.Next) != 0 || length % <u32>Descriptor.Size != 0) return false;
      table = load64(descriptor + Descriptor.Address);
      entries = length / <u32>Descriptor.Size;
      index = 0;
      mayBeIndirect = false;
      continue;
    }
    if (!addSegment(descriptor, (flags & DescriptorFlag.Write) != 0)) return false;
    if ((flags & DescriptorFlag.Next) == 0) return true;
    index = <u32>load16(descriptor + Descriptor.Next);
  }
  return false;
}

/** A segment that the device reads must not follow one that it writes (virtio 1.2 2.7.4.2). */
function addSegment(descriptor: u64, isWritable: bool): bool {
  if (count == MAXIMUM_QUEUE_SIZE || (!isWritable && firstWritable != count)) return false;
  const segment = segmentAt(count);
  segment.address = load64(descriptor + Descriptor.Address);
  segment.length = <u64>load32(descriptor + Descriptor.Length);
  if (segment.address + segment.length < segment.address) return false;
  count++;
  if (!isWritable) {
    firstWritable = count;
    readable += segment.length;
    return true;
  }
  writable += segment.length;
  if (segment.length != 0) last = segment.address + segment.length - 1;
  return true;
}
