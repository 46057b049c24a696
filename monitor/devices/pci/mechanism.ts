// PCI configuration mechanism 1 (PCI 3.0 3.2.2.3.2). Bus 0 has the host bridge and the functions, if there are any, or what
// firmware expects.

import { hasFirmware, hasPciBus } from "../../configuration";
import { southBridgeSpace } from "./chipset";
import { readConfig } from "./config-read";
import { functionOf, HOST_BRIDGE } from "./config-space";
import { writeConfig } from "./config-write";
import { NO_FUNCTION } from "./function-record";
import { resetFunctions } from "./reset";

export const enum PciPort {
  Address = 0xcf8, // CONFIG_ADDRESS, 32-bit accesses only
  Data = 0xcfc, // CONFIG_DATA, 4 bytes
}

const enum ConfigAddress {
  RegisterMask = 0xfc,
  DeviceShift = 11,
  DeviceMask = 0x1f,
  FunctionShift = 8,
  FunctionMask = 7,
  BusMask = 0xff << 16,
  Enable = 1 << 31,
}

const ADDRESS_WRITABLE: u32 = 0x80fffffc;
const NO_DEVICE: u32 = 0xffffffff;

let address: u32 = 0;

export function resetPci(): void {
  address = 0;
  resetFunctions();
}

/** Configuration space that CONFIG_ADDRESS names, which is the device's number but for the south bridge; or NO_DEVICE. */
function selectedDevice(): u32 {
  if ((address & <u32>ConfigAddress.Enable) == 0 || (address & <u32>ConfigAddress.BusMask) != 0) return NO_DEVICE;
  const device = (address >> ConfigAddress.DeviceShift) & ConfigAddress.DeviceMask;
  const functionNumber = (address >> ConfigAddress.FunctionShift) & ConfigAddress.FunctionMask;
  const isThere = functionNumber == 0 && (device == HOST_BRIDGE ? hasPciBus() : functionOf(device) != NO_FUNCTION);
  if (isThere) return device;
  return hasFirmware() ? southBridgeSpace(device, functionNumber) : NO_DEVICE;
}

/** Whether an access of `size` bytes lies in CONFIG_DATA and a device answers. */
function answers(device: u32, port: u32, size: u32): bool {
  return device != NO_DEVICE && port >= <u32>PciPort.Data && (port & 3) + size <= 4;
}

/** Reads at `port`, 0xcf8-0xcff; the bits above `size` bytes are undefined. */
export function readPci(port: u32, size: u32): u32 {
  if (port == PciPort.Address && size == 4) return address;
  const device = selectedDevice();
  if (!answers(device, port, size)) return NO_DEVICE;
  return readConfig(device, address & ConfigAddress.RegisterMask) >> ((port & 3) << 3);
}

export function writePci(port: u32, size: u32, value: u32): void {
  if (port == PciPort.Address && size == 4) {
    address = value & ADDRESS_WRITABLE;
    return;
  }
  const device = selectedDevice();
  if (!answers(device, port, size)) return;
  const shift = (port & 3) << 3;
  const mask = (size == 4 ? u32.MAX_VALUE : ((<u32>1) << (size << 3)) - 1) << shift;
  writeConfig(device, address & ConfigAddress.RegisterMask, mask, value << shift);
}
