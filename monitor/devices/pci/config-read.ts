// Reads of the guest from a configuration space.

import { isWindow, readWindow } from "../virtio/capabilities";
import { configValue, functionOf } from "./config-space";

/** The 32-bit register at `register` of a device that exists. */
export function readConfig(device: u32, register: u32): u32 {
  return isWindow(functionOf(device), register) ? readWindow() : configValue(device, register);
}
