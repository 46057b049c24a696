// The plan's records for VT-d: the units that are to remap, the source ids that reach memory, the firmware's memory that devices
// reach, and the bridges between. The kernel takes units and source ids into tables of its own (kernel/vtd/attach.ts).
//
//   page 5  one record a unit      page 6  one record a source id      page 7  reserved memory      page 8  bridges, one u64 each

import { planAddress } from "./plan";

export const MAXIMUM_PLAN_UNITS: u32 = 64;
export const MAXIMUM_PLAN_SOURCES: u32 = 128;
export const MAXIMUM_PLAN_RESERVED: u32 = 64;
export const MAXIMUM_PLAN_BRIDGES: u32 = 512;

export const enum PlanUnit {
  Registers = 0x00, // u64
  RegistersLength = 0x08, // u64 bytes, as the DMAR table says
  RootTable = 0x10, // u64 one frame
  Queue = 0x18, // u64 two frames: descriptors, and what wait descriptors write; 0 if the unit knows none
  InterruptTable = 0x20, // u64 one frame
  Segment = 0x28, // u32
  Size = 0x40,
}

export const enum PlanSource {
  Segment = 0x00, // u32
  SourceId = 0x04, // u32
  Unit = 0x08, // u32 index of its record
  Partition = 0x0c, // u32 owner
  DeviceTlb = 0x10, // u32 1: it may have a device TLB
  Size = 0x20,
}

/** Memory of the firmware that the devices of a partition reach at its own addresses. */
export const enum PlanReserved {
  Base = 0x00, // u64
  Length = 0x08, // u64 bytes
  Partition = 0x10, // u32
  Size = 0x20,
}

const UNITS: u64 = 5 * 4096;
const SOURCES: u64 = 6 * 4096;
const RESERVED: u64 = 7 * 4096;
const BRIDGES: u64 = 8 * 4096;

/** Physical addresses of the records. */
export function planUnit(index: u32): u64 { return planAddress() + UNITS + <u64>index * <u64>PlanUnit.Size; }
export function planSource(index: u32): u64 { return planAddress() + SOURCES + <u64>index * <u64>PlanSource.Size; }
export function planReserved(index: u32): u64 { return planAddress() + RESERVED + <u64>index * <u64>PlanReserved.Size; }
/** Where the configuration page of a bridge stands. */
export function planBridge(index: u32): u64 { return planAddress() + BRIDGES + (<u64>index << 3); }
