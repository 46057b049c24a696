// The virtual configuration space after power-up.

import { hasDisk, hasFirmware } from "../../configuration";
import { describeDisk } from "../virtio/function";
import { defineCapabilities } from "./capabilities";
import { resetChipset } from "./chipset";
import { clearConfigSpace, deviceOf } from "./config-space";
import { DISK_FUNCTION, FUNCTION_INDICES, isPresent, publishCommand } from "./function-record";
import { defineHeader, defineHostBridge } from "./header";
import { resetMessageTable } from "./msix";

/** In a partition without functions no configuration cycle reaches the host bridge. */
export function resetFunctions(): void {
  if (hasFirmware()) resetChipset();
  else defineHostBridge();
  if (hasDisk()) describeDisk();
  for (let index: u32 = 0; index < FUNCTION_INDICES; index++) {
    if (isPresent(index)) resetFunction(index);
  }
}

/** BARs hold the addresses that the kernel gave; nothing is enabled. */
export function resetFunction(index: u32): void {
  clearConfigSpace(deviceOf(index));
  resetMessageTable(index);
  defineHeader(index);
  defineCapabilities(index);
  publishCommand(index, 0);
}
