// A privileged import is used only by the folder that owns it. Read on the module before optimisation, where
// nothing has been moved into another function yet.

import type { FunctionFacts, ModuleFacts } from "../module.ts";
import type { Violation } from "../violation.ts";

const RULE = "privileged-import";

/** Folders that may use each import module of kernel and planner. */
const OWNERS: Record<string, readonly string[]> = {
  boot: ["kernel/", "drivers/", "planner/"],
  console: ["kernel/", "planner/"],
  cpu: ["kernel/", "drivers/", "planner/"],
  monitor: ["kernel/partition/"],
  phys: ["kernel/", "drivers/", "planner/"],
  port: ["drivers/", "planner/drivers/"],
  vmx: ["kernel/cpu/vmx/"],
};

export function checkPrivilegedImports(module: ModuleFacts): Violation[] {
  return [...module.functions.values()].flatMap((caller) =>
    caller.calls.flatMap((name) => checkCall(caller, module.functions.get(name))),
  );
}

function checkCall(caller: FunctionFacts, callee: FunctionFacts | undefined): Violation[] {
  if (callee === undefined || callee.imported === null) return [];
  const owners = OWNERS[callee.imported.split(".")[0] ?? ""];
  if (owners === undefined) {
    return [violation(caller, `calls ${callee.imported}, and no folder owns that import: define it in scripts/audit/rules/privileged-import.ts or do without it`)];
  }
  const place = caller.name.replace(/^start:/, "");
  if (owners.some((folder) => place.startsWith(folder))) return [];
  return [violation(caller, `calls ${callee.imported}, which only ${owners.join(" and ")} may use (an @inline function counts where it is used)`)];
}

function violation(caller: FunctionFacts, message: string): Violation {
  return { rule: RULE, function: caller.name, message };
}
