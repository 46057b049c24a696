// 32-bit and 16-bit code, and what the decoder refuses.

import { beforeAll, describe, expect, test } from "vitest";
import { AccessStatus, VcpuFrame } from "../../../../monitor/interface.ts";
import { compileParts, Parts } from "../parts.ts";
import { assembleInstructions } from "./native/native.ts";

const CODE_MODE_64 = 1n;
const CODE_MODE_32 = 2n;
const CODE_MODE_16 = 0n;
const CODE = 0x4000n;
const DEVICE = 0xfee00080n;
const DEVICE_VALUE = 0x8877665544332211n;

let module: WebAssembly.Module;

beforeAll(async () => {
  module = await compileParts();
}, 60_000);

interface Outcome {
  status: AccessStatus;
  rip: bigint;
  rax: bigint;
  writes: string[];
  parts: Parts;
}

/** Executes one instruction with RAX = 0xa1a2a3a4a5a6a7a8 on a device that reads DEVICE_VALUE. */
function execute(code: Buffer, mode: bigint, isWrite = 0): Outcome {
  const parts = new Parts(module, 1024 * 1024);
  const writes: string[] = [];
  parts.bus = {
    ...parts.bus,
    memoryRead: (_gpa, size) => BigInt.asUintN(size * 8, DEVICE_VALUE),
    memoryWrite: (at, size, value) => void writes.push(`${at.toString(16)} ${size} ${value.toString(16)}`),
  };
  code.copy(parts.ram, Number(CODE));
  parts.setRegister(0, mode === CODE_MODE_64 ? 0xa1a2a3a4a5a6a7a8n : 0xa5a6a7a8n);
  parts.setFrame(VcpuFrame.Rip, CODE);
  parts.setFrame(VcpuFrame.CodeMode, mode);
  const before = parts.frameBytes();
  const status = parts.exports.executeMemoryAccess(0, DEVICE, isWrite);
  if (status !== AccessStatus.Done) expect(parts.frameBytes()).toEqual(before);
  return { status, rip: parts.frame(VcpuFrame.Rip), rax: parts.register(0), writes, parts };
}

/** Instruction, and size and value that the device must get. */
const WRITES: readonly [string, string][] = [
  ["movl %eax, (%ebx)", "4 a5a6a7a8"],
  ["movw %ax, 0x1234(%ecx,%edx,4)", "2 a7a8"],
  ["movb %ah, (%bx,%si)", "1 a7"],
  ["movl %eax, 0x1234", "4 a5a6a7a8"],
  ["movw %ax, 5(%bp)", "2 a7a8"],
  ["movl $0x12345678, 0x300(%bp,%di)", "4 12345678"],
  ["movw $0x1234, (%esi)", "2 1234"],
  ["addl $1, (%edi)", "4 44332212"],
  ["lock; orb $0x80, (%edi)", "1 91"],
  ["xchgw %ax, (%di)", "2 a7a8"],
];

/** Instruction, and what RAX must become. */
const READS: readonly [string, bigint][] = [
  ["movl (%ebx), %eax", 0x44332211n],
  ["movw (%bx), %ax", 0xa5a62211n],
  ["movl 0xfee0, %eax", 0x44332211n],
  ["movzbl (%ecx), %eax", 0x11n],
  ["movswl (%si), %eax", 0x2211n],
];

describe.each([
  { name: "32-bit", mode: CODE_MODE_32, prologue: ".code32" },
  { name: "16-bit", mode: CODE_MODE_16, prologue: ".code16" },
])("$name code", ({ mode, prologue }) => {
  test("writes", () => {
    const code = assembleInstructions(WRITES.map(([text]) => text), "i386", prologue);
    WRITES.forEach(([text, write], index) => {
      const outcome = execute(code[index]!, mode);
      expect(outcome.status, text).toBe(AccessStatus.Done);
      expect(outcome.rip, text).toBe(CODE + BigInt(code[index]!.length));
      expect(outcome.writes, text).toEqual([`${DEVICE.toString(16)} ${write}`]);
    });
  });

  test("reads", () => {
    const code = assembleInstructions(READS.map(([text]) => text), "i386", prologue);
    READS.forEach(([text, value], index) => {
      const outcome = execute(code[index]!, mode);
      expect(outcome.status, text).toBe(AccessStatus.Done);
      expect(outcome.rip, text).toBe(CODE + BigInt(code[index]!.length));
      expect(outcome.rax, text).toBe(value);
    });
  });

  test("takes 40 to 4F as INC and DEC, not as REX", () => {
    expect(execute(Buffer.from("408903", "hex"), mode).status).toBe(AccessStatus.Undecodable);
  });
});

describe("refused instructions", () => {
  test.each([
    ["a register operand", "89c3"],
    ["ADDPS", "0f5803"],
    ["MOVSLDUP", "f30f1203"],
    ["MOVDDUP", "f20f1203"],
    ["MOVSHDUP", "f30f1603"],
    ["MOVUPS by VEX", "c5f81003"],
    ["MOVNTQ with F3", "f30fe703"],
    ["TZCNT", "f30fbc03"],
    ["CRC32", "f20f38f103"],
    ["LGDT", "0f0113"],
    ["BT group with an extension", "0fba1b01"],
    ["XRSTORS", "480fc71b"],
    ["RDRAND", "0fc7f0"],
    ["a long NOP", "0f1f00"],
    ["more than 15 bytes", "666666666666666666666666666666668903"],
    ["an unknown opcode", "0f0b"],
    ["C7 with an extension", "c70b01000000"],
    ["far CALL", "ff1b"],
  ])("%s", (_name, code) => {
    expect(execute(Buffer.from(code, "hex"), CODE_MODE_64).status).toBe(AccessStatus.Undecodable);
  });

  test("a write by an instruction that does not write", () => {
    expect(execute(Buffer.from("8b03", "hex"), CODE_MODE_64, 1).status).toBe(AccessStatus.Undecodable);
    expect(execute(Buffer.from("f60301", "hex"), CODE_MODE_64, 1).status).toBe(AccessStatus.Undecodable);
  });
});

describe("accesses that the device refuses or nobody answers", () => {
  test.each(["8b03", "0fb603", "8703", "0103", "3903", "1103", "f613", "0fab03", "0fc103", "0fb103", "0fc70b", "a5", "ab", "ac", "ae", "a7"])("leave the registers as they were (%s)", (code) => {
    const parts = new Parts(module, 1024 * 1024);
    const refuse = (): bigint => {
      parts.answer(AccessStatus.GeneralProtection);
      return 0n;
    };
    parts.bus = { ...parts.bus, memoryRead: refuse, memoryWrite: () => void refuse() };
    Buffer.from(code, "hex").copy(parts.ram, Number(CODE));
    parts.setFrame(VcpuFrame.Rip, CODE);
    parts.setFrame(VcpuFrame.CodeMode, CODE_MODE_64);
    parts.setRegister(3, DEVICE);
    parts.setRegister(6, DEVICE);
    parts.setRegister(7, DEVICE);
    const before = parts.frameBytes();
    expect(parts.exports.executeMemoryAccess(0, DEVICE, 0)).toBe(AccessStatus.GeneralProtection);
    expect(parts.frameBytes()).toEqual(before);
  });

  test("complete on the open bus", () => {
    const parts = new Parts(module, 1024 * 1024);
    parts.bus.memoryRead = () => {
      parts.answer(AccessStatus.OpenBus);
      return 0xffffffffffffffffn;
    };
    Buffer.from("8b03", "hex").copy(parts.ram, Number(CODE));
    parts.setFrame(VcpuFrame.Rip, CODE);
    parts.setFrame(VcpuFrame.CodeMode, CODE_MODE_64);
    expect(parts.exports.executeMemoryAccess(0, DEVICE, 0)).toBe(AccessStatus.OpenBus);
    expect(parts.register(0)).toBe(0xffffffffn);
    expect(parts.frame(VcpuFrame.Rip)).toBe(CODE + 2n);
  });
});
