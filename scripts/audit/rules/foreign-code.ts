// The kernel takes from the planner what it left in the plan: none of its code, and no variable that only its code would set.

import type { ModuleFacts } from "../module.ts";
import type { Violation } from "../violation.ts";

const FOREIGN_CODE = "is another module's: the kernel reads the plan and calls the console; what several need lies in kernel/ or drivers/";

/** Nor code of the console, which is an instance of its own. */
export function checkForeignCode(kernel: ModuleFacts): Violation[] {
  return [...kernel.functions.values()]
    .filter(({ name }) => /^(start:)?(planner|console)\//.test(name))
    .map(({ name }) => ({ rule: "foreign-code", function: name, message: FOREIGN_CODE }));
}

export function checkPlannerState(kernel: ModuleFacts): Violation[] {
  const functions = [...kernel.functions.values()];
  const written = new Set(functions.flatMap(({ writes }) => writes));
  return kernel.variables.filter((name) => !written.has(name)).flatMap((name) => {
    const message = `reads ${name}, which nothing in the kernel sets: take it from the plan, or make it a constant`;
    return functions.filter(({ reads }) => reads.includes(name)).map((reader) => ({ rule: "planner-state", function: reader.name, message }));
  });
}
