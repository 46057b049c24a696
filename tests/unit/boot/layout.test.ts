// boot/ repeats numbers of the kernel for C, assembler and linker: both sides agree.

import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { projectDirectory } from "../../../scripts/policy/project.ts";
import { enumReader, readConstants, readEnum } from "../machine/source-enums.ts";

const LAYOUT = "kernel/memory/layout.ts";

function readText(file: string): string {
  return readFileSync(path.join(projectDirectory, file), "utf8");
}

function readDefines(file: string): Map<string, bigint> {
  const defines = readText(file).matchAll(/^#define (\w+) (0x[0-9a-f]+|\d+)(?: \/\/.*)?$/gim);
  return new Map([...defines].map(([, name = "", value = ""]) => [name, BigInt(value)]));
}

const defines = readDefines("boot/layout.h");
/** FIXED_TRAP_FRAME for Fixed.TrapFrame. */
function defineName(prefix: string, member: string): string {
  return `${prefix}_${member.replace(/(?<=[a-z0-9])(?=[A-Z])/g, "_").toUpperCase()}`;
}

describe("boot/layout.h", () => {
  test.each(["PAGE_SIZE", "IMAGE_BASE", "DIRECT_BASE", "KERNEL_MEMORY", "MONITOR_MEMORY", "CORE_BASE", "KERNEL_MEMORY_PAGES", "MONITOR_MEMORY_PAGES"])("%s is the kernel's", (name) => {
    expect(defines.get(name)).toBe(readConstants(LAYOUT).get(name));
  });

  test.each([
    ["CORE_PAGE", LAYOUT, "CorePage"],
    ["CORE_DATA", LAYOUT, "CoreData"],
    ["SELECTOR", LAYOUT, "Selector"],
    ["GRANT", "kernel/partition/monitor.ts", "Grant"],
    ["NEXT_ENTRY", "kernel/partition/entry.ts", "NextEntry"],
  ])("%s_* are all members of %s %s", (prefix, file, name) => {
    for (const [member, value] of readEnum(file, name)) expect(defines.get(defineName(prefix, member)), member).toBe(BigInt(value));
  });

  test("FIXED_* are the places that the floor writes", () => {
    const fixed = enumReader(LAYOUT, "Fixed");
    for (const member of ["GuestRegisters", "PendingVectors", "NmiCount", "Mitigations", "SpecCtrl", "TrapFrame"]) expect(defines.get(defineName("FIXED", member)), member).toBe(BigInt(fixed(member)));
  });

  test("MITIGATION_* are the sequences of exits and entries", () => {
    const sequences = [...readEnum("kernel/cpu/mitigation-decision.ts", "Mitigation")].filter(([, bit]) => bit < 1 << 8);
    for (const [member, bit] of sequences) expect(defines.get(defineName("MITIGATION", member)), member).toBe(BigInt(bit));
    const all = (names: string[]): bigint => names.reduce((sum, name) => sum | defines.get(`MITIGATION_${name}`)!, 0n);
    expect(defines.get("MITIGATIONS_ON_EXIT")).toBe(all(["IBRS", "RSB_STUFFING", "RSB_BARRIER"]));
    expect(defines.get("MITIGATIONS_ON_ENTRY")).toBe(all(["IBRS", "VERW", "L1D_FLUSH"]));
    expect(defines.get("MSR_SPEC_CTRL")).toBe(BigInt(enumReader("kernel/cpu/msr-index.ts", "Msr")("IA32_SPEC_CTRL")));
    expect(defines.get("MSR_FLUSH_CMD")).toBe(BigInt(enumReader("kernel/cpu/msr-index.ts", "Msr")("IA32_FLUSH_CMD")));
  });

  test("HIGH_MEMORY_BASE is the monitor's", () => {
    expect(defines.get("HIGH_MEMORY_BASE")).toBe(readConstants("monitor/interface.ts").get("HIGH_MEMORY_BASE"));
  });
});

test("boot/link.ld links at the same addresses", () => {
  const script = readText("boot/link.ld");
  expect(BigInt(/^IMAGE_BASE = (0x[0-9A-F]+);/m.exec(script)?.[1] ?? 0)).toBe(defines.get("IMAGE_BASE"));
  expect(BigInt(/^ {2}\. = (0x[0-9a-f]+);/m.exec(script)?.[1] ?? 0)).toBe(defines.get("IMAGE_START"));
});

test("imports-boot.h gives the address of every ImageSymbol", () => {
  const cases = [...readText("boot/imports-boot.h").matchAll(/case (\d+): return/g)].map(([, number]) => Number(number));
  expect(cases).toEqual([...readEnum("kernel/boot/stub.ts", "ImageSymbol").values()]);
});

test("struct trap_frame has the order of TrapFrame", () => {
  const structure = /struct trap_frame \{([^}]*)\}/.exec(readText("boot/traps.c"))?.[1] ?? "";
  const fields = [...structure.matchAll(/u64 (\w+)/g)].map(([, name]) => name);
  const overlay = /class TrapFrame \{([^}]*)\}/.exec(readText("kernel/boot/trap-frame.ts"))?.[1] ?? "";
  const members = [...overlay.matchAll(/^ {2}(\w+): u64;/gm)].map(([, name]) => name);
  const registers = ["rax", "rcx", "rdx", "rbx", "handlerRsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"];
  expect(members).toEqual(fields.flatMap((field) => (field === "registers" ? registers : [field])));
});

test("wasm-rt.h traps with the numbers of WasmTrap", () => {
  const traps = [...readText("boot/wasm-rt.h").matchAll(/^ {2}WASM_RT_TRAP_\w+ = (\d+),/gm)].map(([, number]) => Number(number));
  expect(traps).toEqual([...readEnum("kernel/boot/trap-frame.ts", "WasmTrap").values()]);
});

test("the option ROM and its RAM image agree on the header", () => {
  const rom = readDefines("scripts/emulator/option-rom/option-rom.S");
  const blob = readConstants("scripts/emulator/blob.ts");
  for (const name of ["HEADER_ENTRY", "HEADER_BLOCKS", "HEADER_INFORMATION", "HEADER_LENGTH", "HEADER_ADDRESSES"]) expect(rom.get(name), name).toBe(blob.get(name));
  expect(rom.get("BLOCK_SIZE")).toBe(blob.get("BLOCK"));
  expect(rom.get("SEARCH_END")).toBe(blob.get("MODULES_START"));
});
