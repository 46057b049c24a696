// The processor of this machine is the oracle: what an instruction does to RAM there, it must do to a device here.

import { beforeAll, describe, expect, test } from "vitest";
import { AccessStatus, VcpuFrame } from "../../../../monitor/interface.ts";
import { compileParts, Parts } from "../parts.ts";
import { ordinaryForms, type Form } from "./native/forms.ts";
import { buildProgram, CODE, OPERAND, OPERAND_BYTES, type Result, type Trial } from "./native/native.ts";
import { Random } from "./native/random.ts";

const TRIALS_PER_FORM = 4;
const CODE_MODE_64 = 1n;
const ARITHMETIC_FLAGS = 0x8d5n;
const AUXILIARY_FLAG = 0x10n;
const ALWAYS_SET = 0x2n;
const PAGE = 4096;

let module: WebAssembly.Module;

beforeAll(async () => {
  module = await compileParts();
}, 60_000);

/** Registers that make the form address `operand`; the others are random. */
function trialRegisters(random: Random, form: Form, operand: bigint): bigint[] {
  const registers = Array.from({ length: 16 }, () => random.operand());
  const { base, index, scale = 1, displacement = 0n, fixed, isNarrow = false } = form.addressing;
  if (fixed !== undefined) return registers;
  let rest = operand - displacement;
  if (index !== undefined) {
    const value = base === undefined ? rest / BigInt(scale) : BigInt(random.below(0x1000));
    registers[index] = value;
    rest -= value * BigInt(scale);
  }
  if (base !== undefined) registers[base] = BigInt.asUintN(64, rest);
  if (isNarrow) for (const used of [base, index]) if (used !== undefined) registers[used] = BigInt.asUintN(32, registers[used]!) | (random.word() << 32n & 0xffffffff00000000n);
  return registers.map((value) => BigInt.asUintN(64, value));
}

function operandOf(random: Random, form: Form, length: number): bigint {
  const { fixed, text } = form.addressing;
  if (fixed !== undefined) return text.includes("rip") ? fixed + BigInt(length) : fixed;
  const offset = random.below(4) === 0 ? 0 : random.below((PAGE - OPERAND_BYTES) / 2) * 2;
  return OPERAND + BigInt(offset);
}

function prepare(parts: Parts, code: Buffer, trial: Trial): void {
  code.copy(parts.ram, Number(CODE));
  trial.registers.forEach((value, number) => parts.setRegister(number, value));
  parts.setFrame(VcpuFrame.Rip, CODE);
  parts.setFrame(VcpuFrame.Rflags, trial.flags);
  parts.setFrame(VcpuFrame.CodeMode, CODE_MODE_64);
}

/** Lets a buffer answer as the device. */
function attach(parts: Parts, device: Buffer, operand: bigint): void {
  const place = (gpa: bigint): number => Number(gpa - operand);
  const bytes = Buffer.alloc(8);
  parts.bus = {
    ...parts.bus,
    memoryRead: (gpa, size) => {
      bytes.fill(0xa5);
      device.copy(bytes, 0, place(gpa), place(gpa) + size);
      return bytes.readBigUInt64LE();
    },
    memoryWrite: (gpa, size, value) => {
      bytes.writeBigUInt64LE(value);
      bytes.copy(device, place(gpa), 0, size);
    },
  };
}

function describeState(registers: readonly bigint[], flags: bigint, bytes: Buffer): string {
  return `${registers.map((value) => value.toString(16)).join(" ")} flags ${flags.toString(16)} memory ${bytes.toString("hex")}`;
}

function expectSame(parts: Parts, form: Form, device: Buffer, native: Result): void {
  const mask = form.leavesAuxiliary ? ARITHMETIC_FLAGS & ~AUXILIARY_FLAG : ARITHMETIC_FLAGS;
  const registers = native.registers.map((_value, number) => parts.register(number));
  const decoded = describeState(registers, parts.frame(VcpuFrame.Rflags) & mask, device);
  expect(decoded, form.text).toBe(describeState(native.registers, native.flags & mask, native.bytes));
}

describe("executeMemoryAccess", () => {
  test("does what the processor does", () => {
    const random = new Random(0x1d872b41n);
    const forms = ordinaryForms(random);
    const program = buildProgram(forms.map((form) => form.text));
    const parts = new Parts(module, 512 * 1024 * 1024);
    const operands: bigint[] = [];
    const trials = forms.flatMap((form, index) =>
      Array.from({ length: TRIALS_PER_FORM }, (): Trial => {
        const operand = operandOf(random, form, program.code[index]!.length);
        operands.push(operand);
        const bytes = Buffer.alloc(OPERAND_BYTES);
        for (let at = 0; at < OPERAND_BYTES; at += 8) bytes.writeBigUInt64LE(random.operand(), at);
        const flags = (random.word() & ARITHMETIC_FLAGS) | ALWAYS_SET;
        return { form: index, registers: trialRegisters(random, form, operand), flags, offset: Number(operand - OPERAND), bytes };
      }),
    );
    const results = program.run(trials);
    trials.forEach((trial, number) => {
      const form = forms[trial.form]!;
      const code = program.code[trial.form]!;
      const device = Buffer.from(trial.bytes);
      prepare(parts, code, trial);
      attach(parts, device, operands[number]!);
      expect(parts.exports.executeMemoryAccess(0, operands[number]!, 0), form.text).toBe(AccessStatus.Done);
      expect(parts.frame(VcpuFrame.Rip), form.text).toBe(CODE + BigInt(code.length));
      expectSame(parts, form, device, results[number]!);
    });
    expect(parts.outOfBounds).toBe(0);
  }, 120_000);
});
