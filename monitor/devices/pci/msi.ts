// The virtual MSI capability: one message with mask and pending bit (PCI 3.0 6.8.1).

import { configValue, deviceOf, setConfigValue } from "./config-space";
import { sendMessage } from "./message";
import { Msi } from "./register";

function isEnabled(device: u32): bool {
  return (configValue(device, Msi.Control) & Msi.Enable) != 0;
}

function setPending(device: u32, isPending: bool): void {
  setConfigValue(device, Msi.Pending, isPending ? Msi.Vector : 0);
}

/** Sends now, or when the mask is taken away. With MSI off the function has no way to interrupt. */
export function sendMsi(index: u32): void {
  const device = deviceOf(index);
  if (!isEnabled(device)) return;
  const isMasked = (configValue(device, Msi.Mask) & Msi.Vector) != 0;
  setPending(device, isMasked);
  if (isMasked) return;
  const address = (<u64>configValue(device, Msi.UpperAddress) << 32) | configValue(device, Msi.Address);
  sendMessage(address, configValue(device, Msi.Data));
}

/** The guest has written the enable or the mask bit: sends what is pending, forgets it with MSI off. */
export function onMsiWrite(index: u32): void {
  const device = deviceOf(index);
  if (configValue(device, Msi.Pending) == 0) return;
  if (isEnabled(device)) sendMsi(index);
  else setPending(device, false);
}
