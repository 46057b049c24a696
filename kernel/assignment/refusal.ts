// Devices that the machine or the policy does not let be given away: one line each, then the boot stops.

import { print, printRest, sourceName } from "../console/print";
import { DeviceMatch } from "../policy/layout";
import { deviceIdentity, deviceMatch, devicePartition, deviceSegment, deviceSourceId, partitionName } from "../policy/reader";

let refusals: u32 = 0;

export function refusalCount(): u32 { return refusals; }

/** Says why device `device` of the policy is refused. */
export function refuse(device: u32, reason: string): void {
  beginRefusal(device);
  printRest(reason);
}

/** Starts the line with the device as the policy names it and its partition; the caller prints the reason and ends the line. */
export function beginRefusal(device: u32): void {
  refusals++;
  if (deviceMatch(device) == DeviceMatch.Identity) print("refused: device %4h:%4h", deviceIdentity(device), deviceIdentity(device) >> 16);
  else print("refused: device %s", sourceName(deviceSegment(device), deviceSourceId(device)));
  print(" of %n: ", partitionName(devicePartition(device)));
}
