// The capability list of a function (PCI 3.0 6.7).

import { FunctionMailbox } from "../../interface";
import { defineVirtioCapabilities } from "../virtio/capabilities";
import { defineRegister, deviceOf } from "./config-space";
import { DISK_FUNCTION, functionField } from "./function-record";
import { messageTable } from "./msix";
import { AdvancedFeatures, Capability, CapabilityId, Header, MESSAGE_ADDRESS_WRITABLE, Msi, MsiX, PowerManagement } from "./register";

const NEXT_SHIFT: u32 = 8;

/** Built from its end; each step returns where the list begins now. */
export function defineCapabilities(index: u32): void {
  const device = deviceOf(index);
  let first: u32 = index == DISK_FUNCTION ? defineVirtioCapabilities() : 0;
  if (functionField(index, FunctionMailbox.CanReset) != 0) first = defineAdvancedFeatures(device, first);
  if (messageTable(index).count != 0) first = defineMsiX(index, first);
  else if (offersMsi(index)) first = defineMsi(device, first);
  first = definePowerManagement(device, first);
  defineRegister(device, Header.CapabilitiesPointer, first, 0);
}

/** With MSI-X on the real function the kernel has programmed no MSI, even if the MSI-X record is not usable. */
function offersMsi(index: u32): bool {
  return functionField(index, FunctionMailbox.Msi) != 0 && functionField(index, FunctionMailbox.MsixControl) == 0;
}

/** The state is kept and nothing else happens: the kernel sees to the power of the real function. */
function definePowerManagement(device: u32, next: u32): u32 {
  defineRegister(device, Capability.PowerManagement, CapabilityId.PowerManagement | (next << NEXT_SHIFT) | PowerManagement.Version, 0);
  defineRegister(device, PowerManagement.Control, PowerManagement.NoSoftReset, PowerManagement.PowerState);
  return Capability.PowerManagement;
}

function defineMsi(device: u32, next: u32): u32 {
  const control: u32 = Msi.AddressCapable64 | Msi.PerVectorMasking;
  defineRegister(device, Msi.Control, CapabilityId.Msi | (next << NEXT_SHIFT) | control, Msi.Enable);
  defineRegister(device, Msi.Address, 0, MESSAGE_ADDRESS_WRITABLE);
  defineRegister(device, Msi.UpperAddress, 0, u32.MAX_VALUE);
  defineRegister(device, Msi.Data, 0, Msi.DataWritable);
  defineRegister(device, Msi.Mask, 0, Msi.Vector);
  return Capability.Msi;
}

function defineMsiX(index: u32, next: u32): u32 {
  const device = deviceOf(index);
  const control = (messageTable(index).count - 1) << MsiX.TableSizeShift;
  defineRegister(device, MsiX.Control, CapabilityId.MsiX | (next << NEXT_SHIFT) | control, <u32>MsiX.FunctionMask | <u32>MsiX.Enable);
  defineRegister(device, MsiX.Table, functionField(index, FunctionMailbox.MsixTable), 0);
  defineRegister(device, MsiX.Pending, functionField(index, FunctionMailbox.MsixPending), 0);
  return Capability.MsiX;
}

/** The way to ask for a function-level reset without a PCI Express capability. */
function defineAdvancedFeatures(device: u32, next: u32): u32 {
  const features: u32 = AdvancedFeatures.Length | AdvancedFeatures.TransactionsPending | AdvancedFeatures.FunctionLevelReset;
  defineRegister(device, Capability.AdvancedFeatures, CapabilityId.AdvancedFeatures | (next << NEXT_SHIFT) | features, 0);
  return Capability.AdvancedFeatures;
}
