// No indirect calls: the call graph is known in full, and nothing can be made to call something else.

import type { ModuleFacts } from "../module.ts";
import type { Violation } from "../violation.ts";

const WHAT: Record<string, string> = { CallIndirect: "calls through a function table", RefFunc: "takes a reference to a function" };

export function checkIndirectCalls(module: ModuleFacts): Violation[] {
  return [...module.functions.values()].flatMap(({ name, indirect }) =>
    indirect.map((kind) => ({
      rule: "indirect-call",
      function: name,
      message: `${WHAT[kind] ?? kind}: call the function by name, with a switch where several are possible, and no virtual methods`,
    })),
  );
}
