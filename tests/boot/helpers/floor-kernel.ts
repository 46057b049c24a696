// Builds tests/fixtures/floor as a kernel image.

import { buildKernelImage } from "../../../scripts/test-kernels/kernel-image.ts";

const ENTRIES = { kernel: "tests/fixtures/floor/main.ts", planner: "tests/fixtures/floor/planner.ts", console: "tests/fixtures/floor/console.ts" };

/** Path of the ELF file; `weaken` takes protections out of the floor's C files. */
export function buildFloorKernel(name = "floor", weaken?: (text: string) => string): Promise<string> {
  return buildKernelImage(name, ENTRIES, undefined, weaken);
}
