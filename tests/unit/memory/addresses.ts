// Numbers of kernel/memory/layout.ts for tests: addresses there exceed what a JavaScript number holds.

import { enumReader, readConstants } from "../machine/source-enums.ts";

const constants = readConstants("kernel/memory/layout.ts");

function constant(name: string): bigint {
  const value = constants.get(name);
  if (value === undefined) throw new Error(`kernel/memory/layout.ts has no constant ${name}`);
  return value;
}

export const IMAGE_BASE = constant("IMAGE_BASE");
export const DIRECT_BASE = constant("DIRECT_BASE");
export const KERNEL_MEMORY = constant("KERNEL_MEMORY");
export const MONITOR_MEMORY = constant("MONITOR_MEMORY");
export const CORE_BASE = constant("CORE_BASE");
export const KERNEL_MEMORY_PAGES = constant("KERNEL_MEMORY_PAGES");
export const MONITOR_MEMORY_PAGES = constant("MONITOR_MEMORY_PAGES");
export const CorePage = enumReader("kernel/memory/layout.ts", "CorePage");
