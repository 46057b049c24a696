// No recursion, so that the worst-case stack is known.

import type { ModuleFacts } from "../module.ts";
import type { Violation } from "../violation.ts";

export function checkRecursion(module: ModuleFacts): Violation[] {
  const graph = new Map([...module.functions].map(([name, { calls }]) => [name, calls]));
  return findCycles(graph).map((cycle) => ({
    rule: "recursion",
    function: cycle[0] ?? "",
    message: `calls itself: ${[...cycle, cycle[0]].join(" -> ")}: use a loop`,
  }));
}

/** One cycle for each function from which a search first comes back to a function that is still being searched. */
function findCycles(graph: ReadonlyMap<string, readonly string[]>): string[][] {
  const finished = new Set<string>();
  const path: string[] = [];
  const cycles: string[][] = [];
  const search = (name: string): void => {
    if (finished.has(name)) return;
    const begin = path.indexOf(name);
    if (begin >= 0) {
      cycles.push(path.slice(begin));
      return;
    }
    path.push(name);
    for (const callee of graph.get(name) ?? []) search(callee);
    path.pop();
    finished.add(name);
  };
  for (const name of graph.keys()) search(name);
  return cycles;
}
