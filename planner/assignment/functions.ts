// The functions that the policy gives away: checked one by one and written into the plan.

import { isAloneBehindBridge } from "../drivers/pci/bridges";
import { capabilityAt } from "../../drivers/pci/capability";
import { configPage } from "../drivers/pci/config";
import { isExtendedPage, pageRead32 } from "../../drivers/pci/config-page";
import { NO_FUNCTION, functionAt } from "../drivers/pci/functions";
import { hasDeviceTlb } from "../../drivers/pci/address-services";
import { messageCapacity, msixTableAddress } from "../drivers/pci/messages";
import { MSIX_TABLE, msixEntries } from "../../drivers/pci/msix";
import { CapabilityId, Header } from "../../drivers/pci/registers";
import { ResetMethod, resetMethod } from "../drivers/pci/reset";
import { HostVector } from "../../drivers/vectors";
import { MAXIMUM_MESSAGES } from "../../monitor/interface";
import { DIRECT_END } from "../../kernel/memory/layout";
import { MAXIMUM_PLAN_FUNCTIONS, PlanFunction } from "../../kernel/partition/plan-functions";
import { DeviceFlag, MAXIMUM_PARTITIONS } from "../../kernel/policy/layout";
import { deviceCount, deviceFlags, devicePartition } from "../../kernel/policy/reader";
import { ECAP_DT } from "../../kernel/vtd/register";
import { NO_UNIT, mayUseDeviceTlb, unitOf } from "../vtd/scope";
import { unitAt } from "../../kernel/vtd/unit";
import { clearWindows, describeBars } from "./bars";
import { matchOf } from "./match";
import { refuse } from "./refusal";
import { checkReservedMemory } from "./reserved-memory";
import { addFunction, setFunction32, setFunction64 } from "../partition/plan-writer";

const SUBSYSTEM: u32 = 0x2c;
/** Offset of the pending bits in the MSI-X capability, PCI 3.0 6.8.2.5. */
const MSIX_PENDING: u32 = 0x08;

// First host vector that is free on each partition's core.
const vectors: usize = memory.data(64, 4); // MAXIMUM_PARTITIONS u32

/** Checks every device that was found and writes its record; what cannot be given away is refused. */
export function describeFunctions(): void {
  clearWindows();
  for (let partition: u32 = 0; partition < MAXIMUM_PARTITIONS; partition++) {
    store<u32>(vectors + (<usize>partition << 2), HostVector.DeviceFirst);
  }
  for (let device: u32 = 0; device < deviceCount(); device++) {
    if (matchOf(device) != NO_FUNCTION) describe(device, matchOf(device));
  }
}

/** False if the device is refused. */
function describe(device: u32, index: u32): bool {
  const found = functionAt(index);
  const unit = unitOf(found.segment, found.sourceId);
  if (unit == NO_UNIT) return refuse(device, "no VT-d unit serves it");
  if (!isExtendedPage(found.page)) return refuse(device, "its configuration space is not in memory (no MCFG table), where its partition's core needs it");
  const flags = deviceFlags(device);
  if (resetMethod(index) == ResetMethod.None && (flags & DeviceFlag.WithoutReset) == 0) {
    return refuse(device, "it cannot be reset, so that it might carry what it holds to its next owner; withoutReset: true accepts this");
  }
  if ((flags & DeviceFlag.DeviceTlb) != 0 && !(hasDeviceTlb(found.page) && (unitAt(unit).extended & ECAP_DT) != 0)) {
    return refuse(device, "deviceTlb: the function or its VT-d unit (ECAP.DT) has none");
  }
  if ((flags & DeviceFlag.DeviceTlb) != 0 && !mayUseDeviceTlb(index)) {
    return refuse(device, "deviceTlb: the DMAR table (ATSR) does not name its root port");
  }
  if ((flags & DeviceFlag.ReservedMemory) != 0 && !checkReservedMemory(device, index)) return false;
  const record = addFunction();
  if (record == MAXIMUM_PLAN_FUNCTIONS) return refuse(device, "32 functions are given away already");
  setFunction32(record, PlanFunction.Partition, devicePartition(device));
  setFunction32(record, PlanFunction.Segment, found.segment);
  setFunction32(record, PlanFunction.SourceId, found.sourceId);
  setFunction32(record, PlanFunction.Flags, flags);
  setFunction32(record, PlanFunction.Unit, unit);
  setFunction32(record, PlanFunction.Identity, found.vendor);
  setFunction32(record, PlanFunction.ClassRevision, pageRead32(found.page, Header.ClassRevision));
  setFunction32(record, PlanFunction.Subsystem, pageRead32(found.page, SUBSYSTEM));
  setFunction64(record, PlanFunction.ConfigPage, configPage(found.segment, found.sourceId));
  if (resetMethod(index) == ResetMethod.SecondaryBus && isAloneBehindBridge(index)) {
    setFunction64(record, PlanFunction.Bridge, functionAt(found.parent).page);
  }
  return describeBars(device, index, record) && describeMessages(device, index, record);
}

/** Messages are the only interrupts that a function has: which line a pin goes to, only the firmware's AML knows. */
function describeMessages(device: u32, index: u32, record: u32): bool {
  const capacity = messageCapacity(index);
  if (capacity == 0) return refuse(device, "it has neither MSI nor MSI-X, and line interrupts are not given away");
  const page = functionAt(index).page;
  const hasMsix = msixEntries(page) != 0;
  const slot = vectors + (<usize>devicePartition(device) << 2);
  const free = <u32>HostVector.DeviceLast + 1 - load<u32>(slot);
  const messages = min(free, hasMsix ? min(capacity, MAXIMUM_MESSAGES) : 1);
  if (messages == 0) return refuse(device, "the partition's other devices use all 160 vectors of its core");
  setFunction32(record, PlanFunction.Messages, messages);
  setFunction32(record, PlanFunction.FirstVector, load<u32>(slot));
  store<u32>(slot, load<u32>(slot) + messages);
  if (!hasMsix) return true;
  const table = msixTableAddress(index);
  if (table == 0) return refuse(device, "its MSI-X table does not lie in its memory");
  if (table >= DIRECT_END) return refuse(device, "its MSI-X table lies above 16 TiB; have the firmware decode PCI memory lower");
  const capability = capabilityAt(page, CapabilityId.MsiX);
  setFunction32(record, PlanFunction.HasMsix, 1);
  setFunction32(record, PlanFunction.MsixEntries, capacity);
  setFunction32(record, PlanFunction.MsixTable, pageRead32(page, capability + MSIX_TABLE));
  setFunction32(record, PlanFunction.MsixPending, pageRead32(page, capability + MSIX_PENDING));
  setFunction64(record, PlanFunction.MsixAddress, table);
  return true;
}
