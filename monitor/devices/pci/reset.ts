// The virtual configuration space after power-up.

import { functionCount, hasFirmware } from "../../configuration";
import { defineCapabilities } from "./capabilities";
import { resetChipset } from "./chipset";
import { clearConfigSpace, deviceOf } from "./config-space";
import { publishCommand } from "./function-record";
import { defineHeader, defineHostBridge } from "./header";
import { resetMessageTable } from "./msix";

/** In a partition without functions no configuration cycle reaches the host bridge. */
export function resetFunctions(): void {
  const count = functionCount();
  if (hasFirmware()) resetChipset();
  else defineHostBridge();
  for (let index: u32 = 0; index < count; index++) resetFunction(index);
}

/** BARs hold the addresses that the kernel gave; nothing is enabled. */
export function resetFunction(index: u32): void {
  clearConfigSpace(deviceOf(index));
  resetMessageTable(index);
  defineHeader(index);
  defineCapabilities(index);
  publishCommand(index, 0);
}
