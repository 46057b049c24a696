// The entry points of the image and the stacks they run on (kernel/memory/layout.ts, CorePage).

import { checkStack, type DeepestPath, type StackGraph } from "./stack.ts";
import type { Violation } from "../violation.ts";

const MAIN_STACK = 32 * 1024;
const TRAP_STACK = 8 * 1024;
/** SS, RSP, RFLAGS, CS, RIP, an error code and the alignment of the stack before them. */
const EXCEPTION_FRAME = 64;
const EXCEPTION = "exception";

interface Entry {
  name: string;
  stack: "main" | "#DF and #MC" | "NMI";
  given: number;
  /** Exceptions that may come on top: one, and one more in its handling. */
  exceptions: number;
}

const ENTRIES: readonly Entry[] = [
  { name: "start_boot_core", stack: "main", given: MAIN_STACK, exceptions: 2 },
  { name: "w2c_planner_plan", stack: "main", given: MAIN_STACK, exceptions: 2 },
  { name: "start_application_core", stack: "main", given: MAIN_STACK, exceptions: 2 },
  { name: "vm_exit", stack: "main", given: MAIN_STACK, exceptions: 2 },
  { name: "vm_exit_guarded", stack: "main", given: MAIN_STACK, exceptions: 2 },
  { name: "vm_entry_failed", stack: "main", given: MAIN_STACK, exceptions: 2 },
  { name: EXCEPTION, stack: "#DF and #MC", given: TRAP_STACK, exceptions: 1 },
  { name: "nonmaskable_interrupt", stack: "NMI", given: TRAP_STACK, exceptions: 0 },
];

export interface EntryStack {
  entry: string;
  stack: string;
  /** Bytes. */
  given: number;
  worst: number;
  path: string[];
}

export function measureEntries(graph: StackGraph): { stacks: EntryStack[]; violations: Violation[] } {
  const exception = graph.deepest(EXCEPTION).bytes + EXCEPTION_FRAME;
  const stacks: EntryStack[] = [];
  const violations: Violation[] = [];
  for (const { name, stack, given, exceptions } of ENTRIES) {
    const alone = graph.deepest(name);
    const deepest: DeepestPath = { bytes: alone.bytes + exceptions * exception, path: alone.path };
    stacks.push({ entry: name, stack, given, worst: deepest.bytes, path: deepest.path });
    violations.push(...checkStack(name, deepest, given));
  }
  return { stacks, violations: [...violations, ...graph.violations] };
}
