// What the devices of a partition reach by DMA: its memory at guest-physical addresses, and the firmware's memory that the policy opens to them.

import { HIGH_MEMORY_BASE } from "../../monitor/interface";
import { load32, load64 } from "../memory/physical";
import { PlanHeader, PlanPartition, field64, header32 } from "../partition/plan";
import { PlanReserved, planReserved } from "../partition/plan-remapping";
import { ECAP_SC } from "../vtd/register";
import { unitAt, unitCount } from "../vtd/unit";
import { addGrant, clearGrants } from "./grants";

// Bits of a second-level leaf, VT-d 4.1 9.8.
const READ: u64 = 1 << 0;
const WRITE: u64 = 1 << 1;
const SNOOP: u64 = 1 << 11;
/** Of an entry in use one of these is set; one that leads to a table has both. */
export const DMA_RIGHTS: u64 = READ | WRITE;

/** Fills the list for a partition. */
export function describeDomain(partition: u32): void {
  const attributes = READ | WRITE | (allSnoop() ? SNOOP : 0);
  const base = field64(partition, PlanPartition.MemoryBase);
  const low = field64(partition, PlanPartition.LowMemory);
  clearGrants();
  addGrant(0, base, low, attributes);
  addGrant(HIGH_MEMORY_BASE, base + low, field64(partition, PlanPartition.HighMemory), attributes);
  for (let index: u32 = 0; index < header32(PlanHeader.ReservedCount); index++) {
    const record = planReserved(index);
    const reserved = load64(record + PlanReserved.Base);
    if (load32(record + PlanReserved.Partition) == partition) addGrant(reserved, reserved, load64(record + PlanReserved.Length), attributes);
  }
}

/** SNP is reserved where a unit lacks snoop control, and in scalable mode a matter of the PASID table. */
function allSnoop(): bool {
  for (let i: u32 = 0; i < unitCount(); i++) {
    if ((unitAt(i).extended & ECAP_SC) == 0 || unitAt(i).isScalable != 0) return false;
  }
  return true;
}
