// The machine code of exits and entries with sequences against speculation: their order is what makes them work.

import { beforeAll, describe, expect, it } from "vitest";
import { indirectTransfers, type Instruction, type NativeFunction } from "../../scripts/audit/native/disassembly.ts";
import { disassemble } from "../../scripts/build/native-audit.ts";
import { kernelElf } from "../../scripts/build/paths.ts";

/** Entries of the largest return stack buffer, SDM's processors to date. */
const RSB_ENTRIES = 32;
const LOADS_ECX = /^\$(\d+), %ecx/;

let functions: ReadonlyMap<string, NativeFunction>;
beforeAll(async () => {
  functions = await disassemble(kernelElf);
});

function code(name: string): readonly Instruction[] {
  const function_ = functions.get(name);
  if (function_ === undefined) throw new Error(`${name} is not in ${kernelElf}`);
  return function_.instructions;
}

function position(instructions: readonly Instruction[], matches: (instruction: Instruction) => boolean): number {
  const index = instructions.findIndex(matches);
  expect(index).toBeGreaterThanOrEqual(0);
  return index;
}

describe("vm_exit_guarded", () => {
  const calls = (instruction: Instruction, target: string): boolean => instruction.mnemonic.startsWith("call") && instruction.target === target;

  it("executes LFENCE right before the kernel's code, and no RET or indirect branch before it", () => {
    const instructions = code("vm_exit_guarded");
    const kernel = position(instructions, (instruction) => calls(instruction, "handle_vm_exit"));
    expect(instructions[kernel - 1]!.mnemonic).toBe("lfence");
    expect(instructions.slice(0, kernel).filter(({ mnemonic }) => mnemonic.startsWith("ret"))).toEqual([]);
    expect(indirectTransfers(functions.get("vm_exit_guarded")!)).toEqual([]);
  });

  it("fills the return stack buffer, each return address leading to a loop that speculation cannot leave", () => {
    const instructions = code("vm_exit_guarded");
    const own = instructions.flatMap((instruction, index) => (calls(instruction, "vm_exit_guarded") ? [index] : []));
    expect(own.length).toBe(RSB_ENTRIES + 1);
    for (const index of own) expect(instructions.slice(index + 1, index + 4).map(({ mnemonic }) => mnemonic.replace(/q$/, ""))).toEqual(["pause", "lfence", "jmp"]);
  });

  it("takes the return addresses off the stack again", () => {
    const popped = code("vm_exit_guarded").flatMap(({ mnemonic, operands }) => (mnemonic.startsWith("add") ? [/^\$(\d+), %rsp/.exec(operands)?.[1]] : []));
    expect(popped.map(Number)).toEqual([8 * RSB_ENTRIES, 8]);
  });
});

describe.each(["vm_resume_guarded", "vm_launch"])("%s", (name) => {
  it("clears the buffers after its last access to the kernel's data but the guest's own registers", () => {
    const instructions = code(name);
    const verw = position(instructions, ({ mnemonic }) => mnemonic.startsWith("verw"));
    const entry = position(instructions, ({ mnemonic }) => mnemonic === name.replace(/_guarded$/, "").replace("_", ""));
    expect(entry).toBeGreaterThan(verw);
    const between = instructions.slice(verw + 1, entry);
    expect(between).toHaveLength(15);
    for (const { mnemonic, operands } of between) expect([mnemonic, operands]).toEqual(["movq", expect.stringMatching(/^%gs:/)]);
  });

  it("writes IA32_SPEC_CTRL and IA32_FLUSH_CMD before", () => {
    const instructions = code(name);
    const written = instructions.flatMap(({ mnemonic }, index) => (mnemonic === "wrmsr" ? [instructions.slice(0, index).findLast(({ operands }) => LOADS_ECX.test(operands))!.operands] : []));
    expect(written.map((operands) => Number(LOADS_ECX.exec(operands)![1]))).toEqual([0x48, 0x10b]);
  });
});
