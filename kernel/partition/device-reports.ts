// What core 0 tells the cores about their partitions' devices: one page that core 0 alone writes and every core reads.

import { load32, store32 } from "../memory/physical";
import { PlanHeader, header64 } from "./plan";

const enum Report {
  Violations = 0x00, // u32 a partition: blocked accesses of its devices
  Attached = 0x200, // u32 a partition: generation of its devices that core 0 attached last
}

function slot(report: Report, partition: u32): u64 {
  return header64(PlanHeader.DeviceReports) + <u64>report + (<u64>partition << 2);
}

export function deviceViolations(partition: u32): u32 { return load32(slot(Report.Violations, partition)); }
export function setDeviceViolations(partition: u32, count: u32): void { store32(slot(Report.Violations, partition), count); }
export function attachedGeneration(partition: u32): u32 { return load32(slot(Report.Attached, partition)); }
export function setAttachedGeneration(partition: u32, generation: u32): void { store32(slot(Report.Attached, partition), generation); }
