// The rule about stacks, on machine code that clang made.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { parseDisassembly } from "../../scripts/audit/native/disassembly.ts";
import { checkStack, StackGraph } from "../../scripts/audit/native/stack.ts";
import { parseStackUsage } from "../../scripts/audit/native/stack-usage.ts";

/** The call graph of a C program, compiled as the kernel is. */
function graphOf(program: string): StackGraph {
  const folder = mkdtempSync(path.join(tmpdir(), "bulkhead-audit-"));
  try {
    writeFileSync(path.join(folder, "program.c"), program);
    execFileSync("clang", ["--target=x86_64-elf", "-O2", "-ffreestanding", "-mno-red-zone", "-fno-optimize-sibling-calls", "-fstack-usage", "-c", "program.c"], { cwd: folder });
    execFileSync("ld.lld", ["--entry=entry", "-o", "program.elf", "program.o"], { cwd: folder });
    const text = execFileSync("llvm-objdump", ["-d", "--no-show-raw-insn", "program.elf"], { cwd: folder, encoding: "utf8" });
    return new StackGraph(parseDisassembly(text), parseStackUsage(readFileSync(path.join(folder, "program.su"), "utf8")));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const NOINLINE = "__attribute__((noinline))";
/** A variable on the stack that clang cannot do without. */
const BUFFER = (size: string): string => `char buffer[${size}]; __asm__ volatile("" : : "r"(buffer) : "memory");`;

describe("stack", () => {
  it("adds the frames along the deepest path", () => {
    const graph = graphOf(`
      ${NOINLINE} static void small(void) { ${BUFFER("100")} }
      ${NOINLINE} static void large(void) { ${BUFFER("1000")} small(); }
      void entry(void) { small(); large(); }
    `);
    const deepest = graph.deepest("entry");
    expect(deepest.path).toEqual(["entry", "large", "small"]);
    expect(deepest.bytes).toBeGreaterThanOrEqual(1100 + 3 * 8);
    expect(deepest.bytes).toBeLessThan(1300);
    expect(graph.violations).toEqual([]);
  });

  it("refuses more than the stack that is given", () => {
    const graph = graphOf(`void entry(void) { ${BUFFER("9000")} }`);
    const violations = checkStack("entry", graph.deepest("entry"), 8192);
    expect(violations).toMatchObject([{ rule: "stack", function: "entry", message: expect.stringMatching(/takes 9\d\d\d bytes of stack and has 8192: entry/) as string }]);
  });

  it("refuses a frame of variable size", () => {
    const graph = graphOf(`void entry(int size) { ${BUFFER("size")} }`);
    graph.deepest("entry");
    expect(graph.violations).toMatchObject([{ rule: "stack", function: "entry", message: expect.stringContaining("variable size") as string }]);
  });

  it("refuses recursion and indirect calls in the machine code", () => {
    const graph = graphOf(`
      ${NOINLINE} static int down(volatile int* value, int depth) { return depth == 0 ? value[0] : down(value, depth - 1) + value[depth]; }
      int entry(volatile int* value, int (*other)(void)) { return down(value, value[1]) + other(); }
    `);
    graph.deepest("entry");
    const messages = graph.violations.map((violation) => `${violation.function} ${violation.message}`);
    expect(messages).toContainEqual(expect.stringMatching(/^entry calls through \*/));
  });
});
