// build/gen/kernel-numbers.h: numbers of the kernel's sources that the floor needs, for C and the assembler.

import { writeFileSync } from "node:fs";
import path from "node:path";
import { projectDirectory } from "../policy/project.ts";
import { kernelNumbers } from "./paths.ts";
import { readConstants, readEnum } from "./source-numbers.ts";
import type { Step } from "./step.ts";

const LAYOUT = "kernel/memory/layout.ts";
const MONITOR_INTERFACE = "monitor/interface.ts";
const CONTROL_REGISTERS = "kernel/cpu/control-register.ts";

/** Constants keep their names. */
const CONSTANTS: Record<string, readonly string[]> = {
  [LAYOUT]: [
    ...["PAGE_SIZE", "IMAGE_BASE", "IMAGE_START", "DIRECT_BASE", "BOOT_DIRECT_END", "BOOT_DEVICES_END"],
    ...["KERNEL_MEMORY", "KERNEL_MEMORY_PAGES", "MONITOR_MEMORY", "MONITOR_MEMORY_PAGES", "CONSOLE_MEMORY", "CONSOLE_MEMORY_PAGES", "CORE_BASE"],
  ],
  [MONITOR_INTERFACE]: ["HIGH_MEMORY_BASE"],
};

/** Fixed.TrapFrame becomes FIXED_TRAP_FRAME. */
const ENUMS: readonly { file: string; name: string; prefix: string }[] = [
  { file: LAYOUT, name: "CorePage", prefix: "CORE_PAGE" },
  { file: LAYOUT, name: "CoreData", prefix: "CORE_DATA" },
  { file: LAYOUT, name: "TrapState", prefix: "TRAP_STATE" },
  { file: LAYOUT, name: "Sandbox", prefix: "SANDBOX" },
  { file: LAYOUT, name: "Selector", prefix: "SELECTOR" },
  { file: LAYOUT, name: "Fixed", prefix: "FIXED" },
  { file: "kernel/boot/stub.ts", name: "ImageSymbol", prefix: "IMAGE_SYMBOL" },
  { file: "kernel/boot/stub.ts", name: "Trampoline", prefix: "TRAMPOLINE" },
  { file: "kernel/console/interface.ts", name: "ConsoleGrant", prefix: "CONSOLE_GRANT" },
  { file: "kernel/cpu/mitigation-decision.ts", name: "Mitigation", prefix: "MITIGATION" },
  { file: "kernel/cpu/msr-index.ts", name: "Msr", prefix: "MSR" },
  { file: "kernel/partition/entry.ts", name: "NextEntry", prefix: "NEXT_ENTRY" },
  { file: "kernel/partition/monitor.ts", name: "Grant", prefix: "GRANT" },
];

const REGISTERS = ["Cr0", "Cr4", "Efer"];

export function kernelNumbersStep(): Step {
  return {
    name: "kernel-numbers",
    title: `make ${path.basename(kernelNumbers)}`,
    settings: { CONSTANTS, ENUMS, REGISTERS },
    outputs: [kernelNumbers],
    run() {
      writeFileSync(kernelNumbers, kernelNumbersHeader());
      const files = new Set([...Object.keys(CONSTANTS), ...ENUMS.map(({ file }) => file), CONTROL_REGISTERS]);
      return Promise.resolve([...files].map((file) => path.join(projectDirectory, file)));
    },
  };
}

export function kernelNumbersHeader(): string {
  const lines = ["// Made by scripts/build/kernel-numbers.ts from the files named below.", "#ifndef BULKHEAD_KERNEL_NUMBERS_H", "#define BULKHEAD_KERNEL_NUMBERS_H"];
  for (const [file, names] of Object.entries(CONSTANTS)) {
    lines.push("", `// ${file}`, ...names.map((name) => define(name, constant(file, name))));
  }
  for (const { file, name, prefix } of ENUMS) {
    lines.push("", `// ${file}, ${name}`, ...[...readEnum(file, name)].map(([member, value]) => define(`${prefix}_${upperCase(member)}`, BigInt(value))));
  }
  for (const register of REGISTERS) {
    const bits = [...readConstants(CONTROL_REGISTERS, register)];
    lines.push("", `// ${CONTROL_REGISTERS}, ${register}`, ...bits.map(([name, value]) => define(`${register.toUpperCase()}_${name}`, value)));
  }
  return `${[...lines, "", "#endif"].join("\n")}\n`;
}

function constant(file: string, name: string): bigint {
  const value = readConstants(file).get(name);
  if (value === undefined) throw new Error(`${file} has no constant ${name}, which boot/ needs`);
  return value;
}

/** Plain numbers, which C, the assembler and the preprocessor all know. */
function define(name: string, value: bigint): string {
  return `#define ${name} 0x${value.toString(16)}`;
}

/** TRAP_FRAME for TrapFrame; IA32_EFER stays. */
function upperCase(member: string): string {
  return member.replace(/(?<=[a-z0-9])(?=[A-Z])/g, "_").toUpperCase();
}
