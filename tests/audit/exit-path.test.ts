// The machine code that a VM exit runs: privileged imports stand inline, and linear memory is reached by plain
// GS-relative instructions, without a bounds check and without a call.

import { beforeAll, describe, expect, it } from "vitest";
import { callees, type Instruction, type NativeFunction } from "../../scripts/audit/native/disassembly.ts";
import { disassemble } from "../../scripts/build/native-audit.ts";
import { kernelElf } from "../../scripts/build/paths.ts";
import { readElf, type ElfFile } from "../../scripts/emulator/elf.ts";

const IMAGE_BASE = 0xffffffff80000000n;
/** UD2 and TEST AL,1: a bounds check that failed, WASM_RT_TRAP_OOB in boot/wasm-rt.h. */
const OUT_OF_BOUNDS = "0f0ba801";
/** memory.copy and memory.fill check their range once for the whole of it. */
const BULK_MEMORY = /^mem(cpy|move|set)$/;
/** A partition's restart lays its monitor's data segments out anew, each with one check. */
const INSTANTIATE = /^wasm2c_\w+_instantiate$/;

/** Those that the stub keeps; RSP is in the VMCS. */
const REGISTERS_64 = ["rax", "rcx", "rdx", "rbx", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"];

describe("the exit path", () => {
  let elf: ElfFile;
  let path: NativeFunction[];

  beforeAll(async () => {
    elf = readElf(kernelElf);
    path = reachable(await disassemble(kernelElf), "vm_exit");
  });

  const instructions = (): Instruction[] => path.flatMap((function_) => function_.instructions);

  it("has VMREAD inline", () => {
    expect(instructions().filter(({ mnemonic }) => mnemonic.startsWith("vmread")).length).toBeGreaterThan(0);
    expect(path.map(({ name }) => name).filter((name) => /vmread|vmwrite|rdmsr|wrmsr/i.test(name))).toEqual([]);
  });

  it("calls no function for an import", () => {
    expect(path.map(({ name }) => name).filter((name) => /^w2c_(boot|cpu|phys|port|vmx)_/.test(name))).toEqual([]);
  });

  it("reaches linear memory by GS-relative instructions", () => {
    expect(instructions().filter(({ mnemonic, operands }) => mnemonic.startsWith("mov") && operands.includes("%gs:")).length).toBeGreaterThan(0);
    expect(path.map(({ name }) => name).filter((name) => /^[iu](32|64)_(load|store)/.test(name))).toEqual([]);
  });

  it("checks no bound of a plain load or store", () => {
    const loads = path.filter(({ name }) => !INSTANTIATE.test(name));
    const checked = loads.filter((function_) => !callees(function_).some((callee) => BULK_MEMORY.test(callee)) && trapsOutOfBounds(function_));
    expect(checked.map(({ name }) => name)).toEqual([]);
  });

  it("saves every general register of the guest and clears it before the kernel runs", () => {
    const { instructions: stub } = functionNamed(new Map(path.map((function_) => [function_.name, function_])), "vm_exit");
    const beforeKernel = stub.slice(0, stub.findIndex(({ mnemonic }) => /^(call|jmp)/.test(mnemonic)));
    for (const register of REGISTERS_64) {
      expect(beforeKernel.some(({ mnemonic, operands }) => mnemonic === "movq" && operands.startsWith(`%${register}, %gs:`)), `${register} saved`).toBe(true);
      const cleared = ({ mnemonic, operands }: Instruction): boolean =>
        (mnemonic === "xorq" && operands === `%${register}, %${register}`) || (mnemonic.startsWith("mov") && operands.startsWith("$") && operands.includes(`%${register}`));
      expect(beforeKernel.some(cleared), `${register} cleared`).toBe(true);
    }
  });

  it("touches the guest's vector and floating-point registers only to save and restore them whole, for its monitor's decoder", async () => {
    const all = [...(await disassemble(kernelElf)).values()];
    expect(all.flatMap((function_) => function_.instructions).length).toBeGreaterThan(10_000);
    const touching = all.flatMap(({ name, instructions: code }) => code.filter(touchesVectors).map(({ mnemonic }) => `${mnemonic} in ${/^w2c_sandbox_/.test(name) ? "the monitor" : name}`));
    expect([...new Set(touching)].sort()).toEqual(["fxrstor64 in the monitor", "fxsave64 in the monitor"]);
  });

  function touchesVectors({ mnemonic, operands }: Instruction): boolean {
    return /%[xyz]mm|%st\b|%mm\d/.test(operands) || /^(fn?(init|save|stenv|clex)|fx(save|rstor)|xsave|xrstor|emms)/.test(mnemonic);
  }

  function trapsOutOfBounds({ instructions }: NativeFunction): boolean {
    return instructions.some(({ mnemonic, address }) => mnemonic === "ud2" && bytesAt(elf, address, OUT_OF_BOUNDS.length / 2) === OUT_OF_BOUNDS);
  }
});

/** The function and all that it calls. */
function reachable(functions: ReadonlyMap<string, NativeFunction>, root: string): NativeFunction[] {
  const names = new Set([root]);
  for (const name of names) for (const callee of callees(functionNamed(functions, name))) names.add(callee);
  return [...names].map((name) => functionNamed(functions, name));
}

function functionNamed(functions: ReadonlyMap<string, NativeFunction>, name: string): NativeFunction {
  const function_ = functions.get(name);
  if (function_ === undefined) throw new Error(`${name} is not in ${kernelElf}`);
  return function_;
}

/** Bytes of the image at a virtual address, in hexadecimal. */
function bytesAt({ segments }: ElfFile, address: bigint, length: number): string {
  const physical = Number(address - IMAGE_BASE);
  const segment = segments.find(({ physicalAddress, content }) => physical >= physicalAddress && physical < physicalAddress + content.length);
  const offset = physical - (segment?.physicalAddress ?? 0);
  return segment?.content.subarray(offset, offset + length).toString("hex") ?? "";
}
