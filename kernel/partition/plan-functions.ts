// The plan's records of the PCI functions that partitions own, written by core 0 before the seal.

import { load32, load64 } from "../memory/physical";
import { PlanHeader, header32, planAddress } from "./plan";

export const MAXIMUM_PLAN_FUNCTIONS: u32 = 32;
export const BARS: u32 = 6;

export const enum PlanFunction {
  Partition = 0x00, // u32
  Segment = 0x04, // u32
  SourceId = 0x08, // u32
  Flags = 0x0c, // u32 DeviceFlag of the policy
  Identity = 0x10, // u32 vendor | device << 16
  ClassRevision = 0x14, // u32 as at offset 8 of the configuration space
  Subsystem = 0x18, // u32 as at offset 0x2c
  Messages = 0x1c, // u32 messages that the kernel programs
  ConfigPage = 0x20, // u64 physical address of its ECAM page
  MsixTable = 0x28, // u32 as in the capability: offset | BIR; 0 with Messages > 0: the function has MSI only
  MsixPending = 0x2c, // u32 as in the capability
  HasMsix = 0x30, // u32
  FirstVector = 0x34, // u32 host vector of message 0; the others follow
  FirstEntry = 0x38, // u32 index of message 0 in the unit's interrupt remapping table; the others follow
  Unit = 0x3c, // u32
  MsixAddress = 0x40, // u64 physical address of the MSI-X table
  Bridge = 0x48, // u64 configuration page of the bridge whose bus is reset with the function; 0 if the function resets alone
  Bars = 0x50, // BARS times PlanBar.Size
  MsixEntries = 0xe0, // u32 entries of the MSI-X table, those that the kernel leaves masked too
  SourceValidation = 0xe4, // u32 who may send its messages: SVT, SQ and SID of its interrupt entries, VT-d 4.1 9.9
  Size = 0x100,
}

export const enum PlanBar {
  GuestAddress = 0x00, // u64
  Address = 0x08, // u64 host-physical, or the first port of an I/O BAR
  Size = 0x10, // u64 bytes, with the hardware's flags in the low bits (I/O 1, 64-bit 4, prefetchable 8); 0 no BAR
  Bytes = 0x18,
}

const RECORDS: u64 = 2 * 4096;
/** Flags of a memory BAR, and those of an I/O BAR, whose size may be 4 or 8. */
const MEMORY_FLAGS: u64 = 0xf;
const IO_FLAGS: u64 = 0x3;
const IO: u64 = 1;

export function functionRecord(index: u32): u64 { return planAddress() + RECORDS + <u64>index * <u64>PlanFunction.Size; }

export function functionCount(): u32 { return header32(PlanHeader.FunctionCount); }

export function function32(index: u32, field: PlanFunction): u32 { return load32(functionRecord(index) + <u64>field); }
export function function64(index: u32, field: PlanFunction): u64 { return load64(functionRecord(index) + <u64>field); }

export function barField(index: u32, bar: u32, field: PlanBar): u64 {
  return functionRecord(index) + <u64>PlanFunction.Bars + <u64>bar * <u64>PlanBar.Bytes + <u64>field;
}
export function barGuestAddress(index: u32, bar: u32): u64 { return load64(barField(index, bar, PlanBar.GuestAddress)); }
export function barAddress(index: u32, bar: u32): u64 { return load64(barField(index, bar, PlanBar.Address)); }
/** Bytes, with the hardware's flags in the low bits. */
export function barSizeAndFlags(index: u32, bar: u32): u64 { return load64(barField(index, bar, PlanBar.Size)); }
export function barSize(index: u32, bar: u32): u64 { return barSizeAndFlags(index, bar) & ~(barIsIo(index, bar) ? IO_FLAGS : MEMORY_FLAGS); }
export function barIsIo(index: u32, bar: u32): bool { return (barSizeAndFlags(index, bar) & IO) != 0; }
