// The build report's tables about the code: build/report/audit.json.

import { readFileSync } from "node:fs";
import { modulePrefix } from "../build/module.ts";
import { sourceName } from "../build/symbols.ts";
import { MODULES, type ImportUse } from "./audit-module.ts";
import type { NativeFunction } from "./native/disassembly.ts";
import type { EntryStack } from "./native/entries.ts";

export interface AuditReport {
  /** For each module and import, the functions that use it. */
  imports: Record<string, ImportUse>;
  stacks: EntryStack[];
  /** Bytes of machine code for each source file; what clang inlines counts where it ends up. */
  codeSize: Record<string, number>;
  /** Lines that are neither blank nor comment, by folder; "generated" is the header of numbers that boot/ gets from kernel/. */
  trustedLines: Record<string, number>;
}

/** Bytes of machine code by source file; assembler and C functions together are "boot". */
export function codeSizes(functions: ReadonlyMap<string, NativeFunction>): Record<string, number> {
  const sizes: Record<string, number> = {};
  for (const { name, instructions } of functions.values()) {
    const first = instructions[0]?.address;
    const last = instructions.at(-1)?.address;
    if (first === undefined || last === undefined) continue;
    const file = fileOf(name);
    sizes[file] = (sizes[file] ?? 0) + Number(last - first) + 1;
  }
  return Object.fromEntries(Object.entries(sizes).sort(([, left], [, right]) => right - left));
}

function fileOf(symbol: string): string {
  const path = /^(?:start:)?((?:kernel|drivers|planner|monitor|console|~lib)\/[^#<]*)/.exec(sourceName(symbol))?.[1];
  if (path !== undefined) return path.slice(0, path.lastIndexOf("/"));
  const prefix = /^w(?:2c|asm2c)_([a-z]+)_/.exec(symbol)?.[1];
  const module = MODULES.find((name) => modulePrefix(name) === prefix);
  return module === undefined ? "boot" : `${module}/main`; // the rest of w2c_* is boot/monitor-call.S
}

/** Lines of code of the given files: no blank lines, no lines of comment alone. */
export function countLines(files: readonly string[]): number {
  return files.reduce((sum, file) => sum + codeLines(readFileSync(file, "utf8")), 0);
}

function codeLines(text: string): number {
  const withoutBlocks = text.replace(/\/\*[\s\S]*?\*\//g, (comment) => "\n".repeat(comment.split("\n").length - 1));
  return withoutBlocks.split("\n").filter((line) => line.trim() !== "" && !/^\s*(\/\/|#(?!\w))/.test(line)).length;
}
