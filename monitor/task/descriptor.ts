// Segment descriptors in the guest's GDT and LDT (SDM 3A 3.4.5, 3.5), and the segment registers of the frame.

import { Mailbox, SegmentFrame, TaskSegment } from "../interface";
import { isReachable, readLinear, writeLinear } from "./supervisor-memory";

/** As in SDM 3C table 25-2. */
export const enum Rights {
  Type = 0xf,
  Accessed = 1 << 0,
  Writable = 1 << 1, // of data
  Readable = 1 << 1, // of code
  Busy = 1 << 1, // of a TSS
  Conforming = 1 << 2, // of code
  Code = 1 << 3,
  Wide = 1 << 3, // of a TSS: 32-bit
  Application = 1 << 4,
  DplShift = 5,
  Present = 1 << 7,
  Granularity = 1 << 15,
  Unusable = 1 << 16,
}

const SELECTOR_TI: u32 = 1 << 2;
const SELECTOR_INDEX: u32 = 0xfff8;
const DESCRIPTOR_RIGHTS: u32 = 0xf0ff;
const DESCRIPTOR_SIZE: u32 = 8;
const TYPE_BYTE: u64 = 5;

/** The descriptor read last. */
let base: u64 = 0;
let limit: u32 = 0;
let rights: u32 = 0;

export function descriptorBase(): u64 { return base; }
export function descriptorLimit(): u32 { return limit; }
export function descriptorRights(): u32 { return rights; }
export function privilege(segmentRights: u32): u32 { return (segmentRights >> Rights.DplShift) & 3; }

// @ts-ignore: decorator
@inline function place(segment: u32): usize {
  return Mailbox.Segments + segment * SegmentFrame.Size;
}

export function segmentBase(segment: u32): u64 { return load<u64>(place(segment) + SegmentFrame.Base); }
export function segmentLimit(segment: u32): u32 { return load<u32>(place(segment) + SegmentFrame.Limit); }
export function segmentRights(segment: u32): u32 { return load<u32>(place(segment) + SegmentFrame.Rights); }
export function selectorOf(segment: u32): u32 { return load<u32>(Mailbox.Selectors + (segment << 2)); }
export function setSelector(segment: u32, selector: u32): void { store<u32>(Mailbox.Selectors + (segment << 2), selector); }

export function setSegment(segment: u32, segmentBase: u64, segmentLimit: u32, segmentRights: u32): void {
  store<u64>(place(segment) + SegmentFrame.Base, segmentBase);
  store<u32>(place(segment) + SegmentFrame.Limit, segmentLimit);
  store<u32>(place(segment) + SegmentFrame.Rights, segmentRights);
}

export function isLocal(selector: u32): bool { return (selector & SELECTOR_TI) != 0; }
export function isNull(selector: u32): bool { return (selector & (SELECTOR_INDEX | SELECTOR_TI)) == 0; }

/** Linear address of a descriptor, 0 if it lies in no table. */
function addressOf(selector: u32): u64 {
  const table: u32 = isLocal(selector) ? TaskSegment.Ldt : TaskSegment.Gdt;
  if (isLocal(selector) && segmentRights(TaskSegment.Ldt) & Rights.Unusable) return 0;
  const offset = selector & SELECTOR_INDEX;
  if (offset + DESCRIPTOR_SIZE - 1 > load<u32>(place(table) + SegmentFrame.Limit)) return 0;
  return segmentBase(table) + offset;
}

/** False if the selector is null, beyond its table, or the table not mapped. */
export function readDescriptor(vcpu: u32, selector: u32): bool {
  if (isNull(selector)) return false;
  const address = addressOf(selector);
  if (address == 0 || !isReachable(address, DESCRIPTOR_SIZE, false)) return false;
  const low = <u32>readLinear(vcpu, address, 4);
  const high = <u32>readLinear(vcpu, address + 4, 4);
  base = (low >> 16) | ((high & 0xff) << 16) | (high & 0xff000000);
  rights = (high >> 8) & DESCRIPTOR_RIGHTS;
  limit = (low & 0xffff) | (high & 0xf0000);
  if (rights & Rights.Granularity) limit = (limit << 12) | 0xfff;
  return true;
}

/** Adds the upper half to the base of a descriptor of 16 bytes, which readDescriptor() read the first half of. False as there. */
export function readWideBase(vcpu: u32, selector: u32): bool {
  if ((selector & SELECTOR_INDEX) + 2 * DESCRIPTOR_SIZE - 1 > segmentLimit(TaskSegment.Gdt)) return false;
  const address = addressOf(selector) + DESCRIPTOR_SIZE;
  if (!isReachable(address, 4, false)) return false;
  base |= readLinear(vcpu, address, 4) << 32;
  return true;
}

/** Changes bits of the type in the table. */
export function changeType(vcpu: u32, selector: u32, set: u32, clear: u32): void {
  const address = addressOf(selector);
  if (address == 0) return;
  const type = <u32>readLinear(vcpu, address + TYPE_BYTE, 1);
  writeLinear(vcpu, address + TYPE_BYTE, 1, (type | set) & ~clear);
}
