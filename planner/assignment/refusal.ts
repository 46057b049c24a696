// Devices that the machine or the policy does not let be given away: one line each, then the boot stops.

import { print, printLine, sourceName } from "../../kernel/console/print";
import { DeviceMatch } from "../../kernel/policy/layout";
import { deviceIdentity, deviceMatch, devicePartition, deviceSegment, deviceSourceId, partitionName } from "../../kernel/policy/reader";

let refusals: u32 = 0;

export function refusalCount(): u32 { return refusals; }

/** Says why device `device` of the policy is refused, in a line with the device as the policy names it and its partition; false. */
export function refuse(device: u32, reason: string, first: u64 = 0, second: u64 = 0, third: u64 = 0): bool {
  refusals++;
  if (deviceMatch(device) == DeviceMatch.Identity) print("refused: device %4h:%4h", deviceIdentity(device), deviceIdentity(device) >> 16);
  else print("refused: device %s", sourceName(deviceSegment(device), deviceSourceId(device)));
  print(" of %n: ", partitionName(devicePartition(device)));
  print(reason, first, second, third);
  printLine();
  return false;
}
