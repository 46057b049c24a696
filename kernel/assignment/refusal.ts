// Devices that the machine or the policy does not let be given away: one line each, then the boot stops.

import { print, printLine } from "../console/print";
import { printPartitionName } from "../partition/current";
import { DeviceMatch } from "../policy/layout";
import { deviceIdentity, deviceMatch, devicePartition, deviceSegment, deviceSourceId } from "../policy/reader";
import { printIdentity, printSource } from "../vtd/source-name";

let refusals: u32 = 0;

export function refusalCount(): u32 { return refusals; }

/** Says why device `device` of the policy is refused. */
export function refuse(device: u32, reason: string): void {
  beginRefusal(device);
  print(reason);
  printLine();
}

/** Starts the line; the caller prints the reason and ends it. */
export function beginRefusal(device: u32): void {
  refusals++;
  print("refused: ");
  printDevice(device);
  print(": ");
}

/** The device as the policy names it, and the partition that it is for. */
export function printDevice(device: u32): void {
  print("device ");
  if (deviceMatch(device) == DeviceMatch.Identity) printIdentity(deviceIdentity(device));
  else printSource(deviceSegment(device), deviceSourceId(device));
  print(" of ");
  printPartitionName(devicePartition(device));
}
