import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { projectDirectory } from "../../../scripts/policy/project.ts";
import { readConstants, readEnum } from "../machine/source-enums.ts";

function source(file: string): string {
  return readFileSync(path.join(projectDirectory, file), "utf8");
}

/** Defines of boot/layout.h that are plain numbers. */
function readDefines(): Map<string, bigint> {
  const defines = new Map<string, bigint>();
  for (const [, name, value] of source("boot/layout.h").matchAll(/^#define (\w+) (0x[0-9a-fA-F]+|\d+)$/gm)) {
    defines.set(name!, BigInt(value!));
  }
  return defines;
}

const defines = readDefines();
const LAYOUT = "kernel/memory/layout.ts";

function upperCase(name: string): string {
  return name.replace(/([a-z0-9])([A-Z])/g, "$1_$2").toUpperCase();
}

test("every address and size of the virtual address space is the same in layout.ts and layout.h", () => {
  const constants = readConstants(LAYOUT);
  expect(constants.size).toBeGreaterThanOrEqual(8);
  for (const [name, value] of constants) expect(defines.get(name), name).toBe(value);
});

describe.each([
  ["CORE_PAGE_", LAYOUT, "CorePage"],
  ["CORE_DATA_", LAYOUT, "CoreData"],
  ["SELECTOR_", LAYOUT, "Selector"],
  ["FIXED_", LAYOUT, "Fixed"],
  ["GRANT_", "kernel/partition/monitor.ts", "Grant"],
] as const)("%s* of layout.h", (prefix, file, name) => {
  const members = new Map([...readEnum(file, name)].map(([member, value]) => [prefix + upperCase(member), BigInt(value)]));

  test(`agrees with ${name} in ${file}`, () => {
    const shared = [...defines].filter(([define]) => define.startsWith(prefix));
    expect(shared.length).toBeGreaterThan(0);
    for (const [define, value] of shared) expect(members.get(define), define).toBe(value);
  });
});

test("the layout that the monitor sees is the same", () => {
  expect(defines.get("HIGH_MEMORY_BASE")).toBe(readConstants("monitor/interface.ts").get("HIGH_MEMORY_BASE"));
});

test("TrapFrame has the order of boot/traps.c", () => {
  const inC = /struct trap_frame \{([^}]*)\}/.exec(source("boot/traps.c"))![1]!;
  const fieldsInC = [...inC.matchAll(/u64 (\w+)(?:\[(\d+)\])?;/g)].map(([, name, count]) => ({ name: name!, count: Number(count ?? 1) }));
  const inKernel = /class TrapFrame \{([\s\S]*?)\n\}/.exec(source("kernel/boot/trap-frame.ts"))![1]!;
  const fields = [...inKernel.matchAll(/^ {2}(\w+): u64;/gm)].map(([, name]) => name!);
  const registers = ["rax", "rcx", "rdx", "rbx", "rspCopy", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"];
  expect(fieldsInC.at(-1)).toEqual({ name: "registers", count: registers.length });
  expect(fields).toEqual([...fieldsInC.slice(0, -1).map(({ name }) => name), ...registers]);
});
