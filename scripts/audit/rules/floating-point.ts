// No floating point and no vectors: the guests' extended state is in the registers while the kernel runs.

import type { ModuleFacts } from "../module.ts";
import type { Violation } from "../violation.ts";

const RULE = "floating-point";

export function checkFloatingPoint(module: ModuleFacts): Violation[] {
  const functions = [...module.functions.values()]
    .filter(({ usesFloats }) => usesFloats)
    .map(({ name }) => ({ rule: RULE, function: name, message: "has a value of type f32, f64 or v128: use integers" }));
  const globals = module.floatGlobals.map((name) => ({ rule: RULE, function: name, message: "is a global of type f32, f64 or v128: use an integer" }));
  return [...functions, ...globals];
}
