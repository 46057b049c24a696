// All rules over one WebAssembly module.

import { readModule, type ModuleFacts } from "./module.ts";
import { checkAllocation } from "./rules/allocation.ts";
import { checkFloatingPoint } from "./rules/floating-point.ts";
import { checkIndirectCalls } from "./rules/indirect-call.ts";
import { checkAllowedImports } from "./rules/allowed-import.ts";
import { checkForeignCode, checkPlannerState } from "./rules/foreign-code.ts";
import { checkPrivilegedImports } from "./rules/privileged-import.ts";
import { checkRecursion } from "./rules/recursion.ts";
import type { Violation } from "./violation.ts";

/** Modules of the image; each has its folder, and boot/NAME.c. */
export const MODULES = ["kernel", "planner", "monitor", "console"] as const;
export type ModuleName = (typeof MODULES)[number];

/** Entry points that run before the seal only; all others are reached from exits, traps and interrupts. */
const BOOT_ONLY: Record<ModuleName, readonly string[]> = { kernel: ["boot", "bootApplication"], planner: [], monitor: [], console: [] };

/** Functions that use each import, as they were written. */
export type ImportUse = Record<string, string[]>;

/** Applies all rules; returns what the module breaks. */
export function auditModule(name: ModuleName, unoptimised: Uint8Array, optimised: Uint8Array): { violations: Violation[]; imports: ImportUse } {
  const before = readModule(unoptimised);
  const after = readModule(optimised);
  const violations = [
    ...(name === "kernel" || name === "planner" ? checkPrivilegedImports(before) : []),
    ...(name === "kernel" ? [...checkForeignCode(before), ...checkPlannerState(before)] : []),
    // The planner shares print() with the kernel; what cannot run in it, such as the way by rings, the optimiser has taken out.
    ...(name === "monitor" || name === "console" ? checkAllowedImports(name, before) : []),
    ...(name === "planner" ? checkAllowedImports(name, after) : []),
    ...checkFloatingPoint(before),
    ...checkRecursion(after),
    ...checkIndirectCalls(after),
    ...checkAllocation(after, BOOT_ONLY[name]),
  ];
  return { violations, imports: importUse(before) };
}

function importUse(module: ModuleFacts): ImportUse {
  const use: ImportUse = {};
  for (const { name, calls } of module.functions.values()) {
    for (const callee of calls) {
      const imported = module.functions.get(callee)?.imported;
      if (imported) (use[imported] ??= []).push(name);
    }
  }
  return Object.fromEntries(Object.entries(use).sort(([left], [right]) => (left < right ? -1 : 1)).map(([key, names]) => [key, names.sort()]));
}
