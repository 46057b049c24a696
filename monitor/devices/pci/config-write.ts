// Writes of the guest to a configuration space, and what follows from them.

import { FunctionMailbox } from "../../interface";
import { isWindow, writeWindow } from "../virtio/capabilities";
import { moveDisk } from "../virtio/function";
import { updatePin } from "../virtio/interrupt";
import { configValue, functionOf, setConfigValue, writableBits } from "./config-space";
import { DISK_FUNCTION, functionField, NO_FUNCTION, publishCommand, requestFunctionReset } from "./function-record";
import { onMsiWrite } from "./msi";
import { onMsiXControlWrite } from "./msix";
import { driveDiskPin } from "./pin";
import { AdvancedFeatures, Command, Header, Msi, MsiX, PowerManagement } from "./register";
import { resetFunction } from "./reset";

const PUBLISHED_COMMAND: u32 = Command.IoSpace | Command.MemorySpace | Command.BusMaster;

/** Writes the bits in `mask` of the 32-bit register at `register`. */
export function writeConfig(device: u32, register: u32, mask: u32, value: u32): void {
  const before = configValue(device, register);
  const changed = mask & writableBits(device, register);
  setConfigValue(device, register, (before & ~changed) | (value & changed));
  const index = functionOf(device);
  if (index == NO_FUNCTION) return;
  if (isWindow(index, register)) writeWindow(value & mask);
  else onFunctionWrite(index, device, register, before, value & mask);
}

function onFunctionWrite(index: u32, device: u32, register: u32, before: u32, written: u32): void {
  switch (register) {
    case Header.Command:
      publishCommand(index, configValue(device, register) & PUBLISHED_COMMAND);
      if (index == DISK_FUNCTION) driveDiskPin();
      return;
    case Header.BaseAddress:
      if (index == DISK_FUNCTION) moveDisk();
      return;
    case PowerManagement.Control:
      keepSupportedState(device, before);
      return;
    case Msi.Control:
    case Msi.Mask:
      onMsiWrite(index);
      return;
    case MsiX.Control:
      onMsiXControlWrite(index);
      if (index == DISK_FUNCTION) updatePin();
      return;
    case AdvancedFeatures.Control:
      onAdvancedFeaturesWrite(index, written);
      return;
  }
}

/** A state that the function does not have is discarded (PCI Power Management 1.2 3.2.4): there are D0 and D3hot. */
function keepSupportedState(device: u32, before: u32): void {
  const state = configValue(device, PowerManagement.Control) & PowerManagement.PowerState;
  if (state != 0 && state != PowerManagement.D3Hot) setConfigValue(device, PowerManagement.Control, before);
}

/** A function-level reset: the virtual registers at once, the real function by the kernel. */
function onAdvancedFeaturesWrite(index: u32, written: u32): void {
  if ((written & AdvancedFeatures.InitiateReset) == 0 || functionField(index, FunctionMailbox.CanReset) == 0) return;
  resetFunction(index);
  requestFunctionReset(index);
}
