// The processor of this machine is the oracle: what an instruction does to RAM there, it must do to a device here.

import { beforeAll, describe, expect, test } from "vitest";
import { AccessStatus, VcpuFrame } from "../../../../monitor/interface.ts";
import { compileParts, Parts } from "../parts.ts";
import { ordinaryForms, type Form } from "./native/forms.ts";
import { buildProgram, CODE, OPERAND, SEGMENT_BASES, type CodeSize, type Result, type Trial } from "./native/native.ts";
import { Random } from "./native/random.ts";
import { BASES_64, target64, targetCompatible, type Target } from "./native/target.ts";
import { ARITHMETIC_FLAGS, placeTrial, type Placed } from "./native/trial.ts";

const TRIALS_PER_FORM = 4;
const CODE_MODE: Record<CodeSize, bigint> = { 16: 0n, 32: 2n, 64: 1n };
const PROTECTION = 1n;
const PAGE = 4096;
const RIGHTS_CODE = 0xc09b;

let module: WebAssembly.Module;

beforeAll(async () => {
  module = await compileParts();
}, 60_000);

function prepare(parts: Parts, code: Buffer, trial: Trial): void {
  const { codeSize = 64 } = trial;
  trial.vectors?.copy(parts.vectors);
  code.copy(parts.ram, Number(CODE));
  trial.registers.forEach((value, number) => parts.setRegister(number, value));
  parts.setFrame(VcpuFrame.Rip, codeSize === 64 ? CODE : CODE - SEGMENT_BASES.cs);
  parts.setFrame(VcpuFrame.Rflags, trial.flags);
  parts.setFrame(VcpuFrame.CodeMode, CODE_MODE[codeSize]);
  parts.setFrame(VcpuFrame.Cr0, PROTECTION);
  const { es, cs, ss, ds, fs, gs } = SEGMENT_BASES;
  const bases = codeSize === 64 ? [es, cs, ss, ds, BASES_64.fs, BASES_64.gs] : [es, cs, ss, ds, fs, gs];
  bases.forEach((base, number) => parts.setSegment(number, base === cs ? { base, rights: RIGHTS_CODE } : { base }));
}

/** The trial's bytes as the guest has them: those below `memoryEnd` are RAM, the others answer on the bus. */
class Memory {
  private readonly device: Buffer;
  private readonly base: number;

  constructor(private readonly parts: Parts, trial: Trial, private readonly memoryEnd: bigint) {
    this.device = Buffer.from(trial.bytes);
    this.base = Number(OPERAND) + trial.offset;
    trial.bytes.copy(parts.ram, this.base);
    parts.configure(memoryEnd, 0n, 1);
    const bytes = Buffer.alloc(8);
    parts.bus = {
      ...parts.bus,
      memoryRead: (gpa, size) => {
        bytes.fill(0xa5);
        this.device.copy(bytes, 0, this.place(gpa), this.place(gpa) + size);
        return bytes.readBigUInt64LE();
      },
      memoryWrite: (gpa, size, value) => {
        bytes.writeBigUInt64LE(value);
        bytes.copy(this.device, this.place(gpa), 0, size);
      },
    };
  }

  get bytes(): Buffer {
    const inMemory = Math.min(Math.max(Number(this.memoryEnd) - this.base, 0), this.device.length);
    return Buffer.concat([this.parts.ram.subarray(this.base, this.base + inMemory), this.device.subarray(inMemory)]);
  }

  private place(gpa: bigint): number {
    expect(gpa).toBeGreaterThanOrEqual(this.memoryEnd);
    return Number(gpa) - this.base;
  }
}

function describeState(registers: readonly bigint[], flags: bigint, bytes: Buffer, vectors: Buffer): string {
  return `${registers.map((value) => value.toString(16)).join(" ")} flags ${flags.toString(16)} memory ${bytes.toString("hex")} ${describeVectors(vectors)}`;
}

/** Of an image of FXSAVE64 the status and tags of the x87, its registers, and those of SSE. */
function describeVectors(image: Buffer): string {
  const x87 = Array.from({ length: 8 }, (_, register) => image.toString("hex", 32 + register * 16, 42 + register * 16));
  return `status ${image.toString("hex", 2, 5)} x87 ${x87.join(" ")} SSE ${image.toString("hex", 160, 416)}`;
}

function expectSame(parts: Parts, target: Target, form: Form, memory: Memory, native: Result): void {
  const flags = ARITHMETIC_FLAGS & ~form.undefinedFlags;
  const width = target.code === 64 ? 64 : 32; // the upper halves are undefined
  const shown = (values: readonly bigint[]): bigint[] => values.slice(0, target.registers).map((value) => BigInt.asUintN(width, value));
  const registers = native.registers.map((_value, number) => parts.register(number));
  const decoded = describeState(shown(registers), parts.frame(VcpuFrame.Rflags) & flags, memory.bytes, parts.vectors);
  expect(decoded, form.text).toBe(describeState(shown(native.registers), native.flags & flags, native.bytes, native.vectors));
}

function crossesPages({ operand }: Placed, form: Form): boolean {
  return (Number(operand) % PAGE) + form.size > PAGE;
}

function runTrial(parts: Parts, target: Target, random: Random, form: Form, code: Buffer, placed: Placed, native: Result): void {
  const { trial, operand } = placed;
  const isSplit = crossesPages(placed, form);
  const memory = new Memory(parts, trial, isSplit && random.below(2) === 0 ? OPERAND + BigInt(PAGE) : OPERAND);
  prepare(parts, code, trial);
  const gpa = isSplit && random.below(2) === 0 ? OPERAND + BigInt(PAGE) : operand;
  const isWrite = form.writes && random.below(2) === 0 ? 1 : 0; // of one that reads first, the exit tells either
  const rip = parts.frame(VcpuFrame.Rip);
  expect(parts.exports.executeMemoryAccess(0, gpa, isWrite), form.text).toBe(AccessStatus.Done);
  expect(parts.frame(VcpuFrame.Rip), form.text).toBe(rip + BigInt(code.length));
  expectSame(parts, target, form, memory, native);
}

describe.each([
  { target: target64(), repetitions: 5 },
  { target: targetCompatible(32), repetitions: 6 },
  { target: targetCompatible(16), repetitions: 6 },
])("$target.name code on a device", ({ target, repetitions }) => {
  test("does what it does on the processor", () => {
    const random = new Random(0x1d872b41n);
    const forms = ordinaryForms(random, target, repetitions);
    const program = buildProgram(forms.map((form) => form.text), target.code);
    const parts = new Parts(module, 0x1002_0000);
    const placed = forms.flatMap((form, index) =>
      Array.from({ length: TRIALS_PER_FORM }, () => placeTrial(random, target, form, index, program.code[index]!.length)),
    );
    const results = program.run(placed.map(({ trial }) => trial));
    placed.forEach((one, number) => {
      const index = one.trial.form;
      runTrial(parts, target, random, forms[index]!, program.code[index]!, one, results[number]!);
    });
    expect(placed.filter((one) => crossesPages(one, forms[one.trial.form]!)).length).toBeGreaterThan(100);
    expect(parts.outOfBounds).toBe(0);
  }, 120_000);
});
