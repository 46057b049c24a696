// Builds tests/fixtures/floor as a kernel image.

import { buildKernelImage } from "../../../scripts/test-kernels/kernel-image.ts";

/** Path of the ELF file. */
export function buildFloorKernel(): Promise<string> {
  return buildKernelImage("floor", { kernel: "tests/fixtures/floor/main.ts", planner: "tests/fixtures/floor/planner.ts" });
}
