// Numbers of the kernel in boot/: those that the build makes, and those that are repeated there.

import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { projectDirectory } from "../../../scripts/policy/project.ts";
import { kernelNumbersHeader } from "../../../scripts/build/kernel-numbers.ts";
import { readTexts } from "../../../scripts/build/texts.ts";
import { readConstants, readEnum } from "../machine/source-enums.ts";

const LAYOUT = "kernel/memory/layout.ts";

function readText(file: string): string {
  return readFileSync(path.join(projectDirectory, file), "utf8");
}

function readDefines(file: string): Map<string, bigint> {
  const defines = readText(file).matchAll(/^#define (\w+) (0x[0-9a-f]+|\d+)(?: \/\/.*)?$/gim);
  return new Map([...defines].map(([, name = "", value = ""]) => [name, BigInt(value)]));
}

describe("kernel-numbers.h", () => {
  const header = kernelNumbersHeader();

  test.each([
    ["IMAGE_BASE", "0xffffffff80000000"],
    ["CORE_PAGE_MAIN_STACK_END", "0x9"],
    ["FIXED_TRAP_FRAME", "0x600"],
    ["GRANT_IMAGES", "0x3"],
    ["MITIGATION_L1D_FLUSH", "0x200"],
    ["MSR_IA32_EFER", "0xc0000080"],
    ["CR4_FSGSBASE", "0x10000"],
  ])("%s is %s", (name, value) => {
    expect(header).toContain(`#define ${name} ${value}\n`);
  });

  test("defines no name twice", () => {
    const names = [...header.matchAll(/^#define (\w+) 0x/gm)].map(([, name]) => name);
    expect(new Set(names).size).toBe(names.length);
  });
});

test("boot/link.ld links at the same addresses", () => {
  const script = readText("boot/link.ld");
  expect(BigInt(/^IMAGE_BASE = (0x[0-9A-F]+);/m.exec(script)?.[1] ?? 0)).toBe(readConstants(LAYOUT).get("IMAGE_BASE"));
  expect(BigInt(/^ {2}\. = (0x[0-9a-f]+);/m.exec(script)?.[1] ?? 0)).toBe(readConstants(LAYOUT).get("IMAGE_START"));
});

test("struct trap_frame has the order of TrapFrame", () => {
  const structure = /struct trap_frame \{([^}]*)\}/.exec(readText("boot/traps.c"))?.[1] ?? "";
  const fields = [...structure.matchAll(/u64 (\w+)/g)].map(([, name]) => name);
  const overlay = /class TrapFrame \{([^}]*)\}/.exec(readText("kernel/boot/trap-frame.ts"))?.[1] ?? "";
  const members = [...overlay.matchAll(/^ {2}(\w+): u64;/gm)].map(([, name]) => name);
  const registers = ["rax", "rcx", "rdx", "rbx", "handlerRsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"];
  expect(members).toEqual(fields.flatMap((field) => (field === "registers" ? registers : [field])));
});

test("wasm-rt.h traps with numbers that have texts", () => {
  const traps = [...readText("boot/wasm-rt.h").matchAll(/^ {2}WASM_RT_TRAP_\w+ = (\d+),/gm)].map(([, number]) => Number(number));
  expect(traps).toEqual([0, ...(readTexts().get("WasmTrap")?.keys() ?? [])]);
});

test("the option ROM and its RAM image agree on the header", () => {
  const rom = readDefines("scripts/emulator/option-rom/option-rom.S");
  const blob = readConstants("scripts/emulator/blob.ts");
  for (const name of ["HEADER_ENTRY", "HEADER_BLOCKS", "HEADER_INFORMATION", "HEADER_LENGTH", "HEADER_ADDRESSES"]) expect(rom.get(name), name).toBe(blob.get(name));
  expect(rom.get("BLOCK_SIZE")).toBe(blob.get("BLOCK"));
  expect(rom.get("SEARCH_END")).toBe(blob.get("MODULES_START"));
});
