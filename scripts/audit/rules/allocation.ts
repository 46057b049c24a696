// No allocation is reachable from the entry points that run after boot.

import type { ModuleFacts } from "../module.ts";
import type { Violation } from "../violation.ts";

/** AssemblyScript's stub allocator. */
const ALLOCATOR = "~lib/rt/";

/** Checks all exported functions except those of `bootOnly`. */
export function checkAllocation(module: ModuleFacts, bootOnly: readonly string[]): Violation[] {
  const entries = [...module.exports].filter(([name]) => !bootOnly.includes(name));
  return entries.flatMap(([name, inside]) => {
    const path = pathToAllocation(module, inside);
    if (path === null) return [];
    return [{ rule: "allocation", function: path.at(-2) ?? inside, message: `allocates on the way from the entry point ${name}: ${path.join(" -> ")}: use a fixed table` }];
  });
}

/** Shortest call path from a function to an allocation, or null. */
function pathToAllocation(module: ModuleFacts, root: string): string[] | null {
  const reachedFrom = new Map<string, string | null>([[root, null]]);
  for (const name of reachedFrom.keys()) {
    const facts = module.functions.get(name);
    if (facts === undefined) continue;
    if (facts.growsMemory || name.startsWith(ALLOCATOR)) return unwind(reachedFrom, name);
    for (const callee of facts.calls) if (!reachedFrom.has(callee)) reachedFrom.set(callee, name);
  }
  return null;
}

function unwind(reachedFrom: ReadonlyMap<string, string | null>, last: string): string[] {
  const path: string[] = [];
  for (let name: string | null = last; name !== null; name = reachedFrom.get(name) ?? null) path.unshift(name);
  return path;
}
