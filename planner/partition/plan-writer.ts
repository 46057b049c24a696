// What only the builder writes into the plan.

import { store32, store64 } from "../../kernel/memory/physical";
import { PlanHeader, planAddress, vcpuControlField } from "../../kernel/partition/plan";
import { MAXIMUM_PLAN_FUNCTIONS, PlanBar, PlanFunction, barField, functionCount, functionRecord } from "../../kernel/partition/plan-functions";
import { PlanCore, coreField, moduleCount, moduleRecord } from "../../kernel/partition/plan-machine";

export function setHeader32(field: PlanHeader, value: u32): void { store32(planAddress() + <u64>field, value); }
export function setCoreRegion(core: u32, region: u64): void { store64(planAddress() + <u64>PlanHeader.CoreRegions + <u64>core * 8, region); }
export function setVcpuControl(partition: u32, vcpu: u32, frame: u64): void { store64(vcpuControlField(partition, vcpu), frame); }
export function setCoreApicId(index: u32, apicId: u32): void { store32(coreField(index, PlanCore.ApicId), apicId); }

export function addModule(address: u64, size: u64): void {
  const entry = moduleRecord(moduleCount());
  store64(entry, address);
  store64(entry + 8, size);
  setHeader32(PlanHeader.ModuleCount, moduleCount() + 1);
}

/** Index of a new, zeroed record; MAXIMUM_PLAN_FUNCTIONS if there is no room. */
export function addFunction(): u32 {
  const index = functionCount();
  if (index < MAXIMUM_PLAN_FUNCTIONS) setHeader32(PlanHeader.FunctionCount, index + 1);
  return index;
}
export function setFunction32(index: u32, field: PlanFunction, value: u32): void { store32(functionRecord(index) + <u64>field, value); }
export function setFunction64(index: u32, field: PlanFunction, value: u64): void { store64(functionRecord(index) + <u64>field, value); }

export function setBar(index: u32, bar: u32, guestAddress: u64, address: u64, sizeAndFlags: u64): void {
  store64(barField(index, bar, PlanBar.GuestAddress), guestAddress);
  store64(barField(index, bar, PlanBar.Address), address);
  store64(barField(index, bar, PlanBar.Size), sizeAndFlags);
}
