// How far the registers of a unit reach.

import { unitRegistersSize } from "../../drivers/acpi/dmar/records";
import { PAGE_SIZE } from "../memory/layout";
import { faultRecordingOffset, faultRecords, tlbRegisterOffset } from "./register";
import { Unit } from "./unit";

/** Bytes of one fault recording register, and of IVA and IOTLB together. */
const FAULT_RECORD: u64 = 16;
const TLB_REGISTERS: u64 = 16;

/** Bytes of a unit's register block: what the DMAR table says, or what CAP and ECAP need if that is more (VT-d 4.1 8.3, 11.4). */
export function registersLength(unit: Unit): u64 {
  const faults = faultRecordingOffset(unit.capability) + <u64>faultRecords(unit.capability) * FAULT_RECORD;
  const needed = max(faults, tlbRegisterOffset(unit.extended) + TLB_REGISTERS);
  return max((needed + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1), unitRegistersSize(unit.index));
}
