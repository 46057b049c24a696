// From the devices that the policy names to the functions of this machine.

import { sourceName } from "../../kernel/console/print";
import { NO_FUNCTION, findFunction, functionAt, functionCount, isBridge } from "../drivers/pci/functions";
import { DeviceMatch, MAXIMUM_DEVICES } from "../../kernel/policy/layout";
import { deviceCount, deviceIdentity, deviceMatch, deviceSegment, deviceSourceId } from "../../kernel/policy/reader";
import { refuse } from "./refusal";

const NOT_THERE: string = "this machine has no such function; the lines that begin with pci: name those it has";

export const NO_DEVICE: u32 = 0xffffffff;

const matches: usize = memory.data(128, 4); // MAXIMUM_DEVICES u32: index of the function, or NO_FUNCTION

/** Function that a device of the policy is, or NO_FUNCTION. */
export function matchOf(device: u32): u32 { return load<u32>(matches + (<usize>device << 2)); }

/** Device of the policy that a function is, or NO_DEVICE. */
export function deviceOfFunction(index: u32): u32 {
  for (let device: u32 = 0; device < deviceCount(); device++) {
    if (matchOf(device) == index) return device;
  }
  return NO_DEVICE;
}

/** Finds the function of each device; what cannot be found is refused. */
export function matchDevices(): void {
  for (let device: u32 = 0; device < MAXIMUM_DEVICES; device++) store<u32>(matches + (<usize>device << 2), NO_FUNCTION);
  for (let device: u32 = 0; device < deviceCount(); device++) {
    const index = deviceMatch(device) == DeviceMatch.Identity ? findByIdentity(device) : findByAddress(device);
    if (index == NO_FUNCTION) continue;
    if (deviceOfFunction(index) != NO_DEVICE) refuse(device, "another entry of the policy names the same function");
    else store<u32>(matches + (<usize>device << 2), index);
  }
}

function findByAddress(device: u32): u32 {
  const index = findFunction(deviceSegment(device), deviceSourceId(device));
  if (index != NO_FUNCTION && !isBridge(functionAt(index))) return index;
  refuse(device, index == NO_FUNCTION ? NOT_THERE : "it is a bridge, which is not given away");
  return NO_FUNCTION;
}

function findByIdentity(device: u32): u32 {
  let found: u32 = NO_FUNCTION;
  let count: u32 = 0;
  for (let index: u32 = 0; index < functionCount(); index++) {
    const candidate = functionAt(index);
    if (candidate.vendor != deviceIdentity(device) || isBridge(candidate)) continue;
    found = index;
    count++;
  }
  if (count == 1) return found;
  if (count == 0) {
    refuse(device, NOT_THERE);
  } else {
    const name = sourceName(functionAt(found).segment, functionAt(found).sourceId);
    refuse(device, "this machine has %d of them; name one by its address, such as %s", count, name);
  }
  return NO_FUNCTION;
}
