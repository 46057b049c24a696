// STOS and MOVS on a device, against the processor of this machine.

import { beforeAll, describe, expect, test } from "vitest";
import { AccessStatus, VcpuFrame } from "../../../../monitor/interface.ts";
import { compileParts, Parts } from "../parts.ts";
import { buildProgram, CODE, OPERAND, OPERAND_BYTES, type Trial } from "./native/native.ts";
import { Random } from "./native/random.ts";

const CODE_MODE_64 = 1n;
const ALWAYS_SET = 0x2n;
const DIRECTION_FLAG = 0x400n;
const RCX = 1;
const RSI = 6;
const RDI = 7;
/** Middle of the operand bytes that a trial gives and gets back. */
const MIDDLE = 32n;
const MOST_ELEMENTS = 4;

/** Which register addresses the device. */
interface StringForm {
  text: string;
  device: typeof RSI | typeof RDI;
  isRepeated: boolean;
}

const FORMS: readonly StringForm[] = ["b", "w", "l", "q"].flatMap((suffix) => [
  { text: `stos${suffix}`, device: RDI, isRepeated: false } as const,
  { text: `rep stos${suffix}`, device: RDI, isRepeated: true } as const,
  { text: `movs${suffix}`, device: RDI, isRepeated: false } as const,
  { text: `rep movs${suffix}`, device: RDI, isRepeated: true } as const,
  { text: `movs${suffix}`, device: RSI, isRepeated: false } as const,
  { text: `rep movs${suffix}`, device: RSI, isRepeated: true } as const,
  { text: `addr32 rep stos${suffix}`, device: RDI, isRepeated: true } as const,
]);

/** The operand's first page is the device, the second is RAM. */
const DEVICE_AT = OPERAND + 4096n - 64n;
const MEMORY_AT = OPERAND + 4096n;

let module: WebAssembly.Module;

beforeAll(async () => {
  module = await compileParts();
}, 60_000);

function makeTrial(random: Random, form: StringForm, number: number): Trial {
  const registers = Array.from({ length: 16 }, () => random.word());
  const other = form.device === RDI ? RSI : RDI;
  registers[form.device] = DEVICE_AT + MIDDLE;
  registers[other] = MEMORY_AT + MIDDLE;
  if (form.text.startsWith("addr32")) registers[RDI]! |= 0xabcd00000000n; // must not count
  if (form.isRepeated) registers[RCX] = BigInt(random.below(MOST_ELEMENTS) + 1);
  const bytes = Buffer.alloc(OPERAND_BYTES);
  for (let at = 0; at < OPERAND_BYTES; at += 8) bytes.writeBigUInt64LE(random.word(), at);
  const flags = ALWAYS_SET | (random.below(2) === 0 ? DIRECTION_FLAG : 0n);
  const atDevice = form.device === RSI;
  return { form: number, registers, flags, offset: Number((atDevice ? DEVICE_AT : MEMORY_AT) - OPERAND), bytes };
}

/** Executes until RIP moves on, as the guest does that faults again at each element; returns the number of faults. */
function execute(parts: Parts, code: Buffer, trial: Trial, form: StringForm): { device: Buffer; faults: number } {
  const device = Buffer.alloc(OPERAND_BYTES);
  const memory = parts.ram.subarray(Number(MEMORY_AT), Number(MEMORY_AT) + OPERAND_BYTES);
  memory.fill(0);
  trial.bytes.copy(form.device === RSI ? device : memory);
  code.copy(parts.ram, Number(CODE));
  trial.registers.forEach((value, number) => parts.setRegister(number, value));
  parts.setFrame(VcpuFrame.Rip, CODE);
  parts.setFrame(VcpuFrame.Rflags, trial.flags);
  parts.setFrame(VcpuFrame.CodeMode, CODE_MODE_64);
  const bytes = Buffer.alloc(8);
  parts.bus = {
    ...parts.bus,
    memoryRead: (gpa, size) => {
      device.copy(bytes, 0, Number(gpa - DEVICE_AT), Number(gpa - DEVICE_AT) + size);
      return bytes.readBigUInt64LE();
    },
    memoryWrite: (gpa, size, value) => {
      bytes.writeBigUInt64LE(value);
      bytes.copy(device, Number(gpa - DEVICE_AT), 0, size);
    },
  };
  let faults = 0;
  while (parts.frame(VcpuFrame.Rip) === CODE && faults++ < 2 * MOST_ELEMENTS) {
    const gpa = BigInt.asUintN(32, parts.register(form.device));
    expect(parts.exports.executeMemoryAccess(0, gpa, form.device === RDI ? 1 : 0), form.text).toBe(AccessStatus.Done);
  }
  expect(parts.frame(VcpuFrame.Rip), form.text).toBe(CODE + BigInt(code.length));
  return { device, faults };
}

describe("string instructions on a device", () => {
  test("move registers, count and memory as the processor does", () => {
    const random = new Random(0x5bd1e995n);
    const program = buildProgram(FORMS.map((form) => form.text));
    const parts = new Parts(module, 512 * 1024 * 1024);
    const trials = FORMS.map((form, number) => makeTrial(random, form, number));
    const results = program.run(trials);
    FORMS.forEach((form, number) => {
      const trial = trials[number]!;
      const native = results[number]!;
      const { faults } = execute(parts, program.code[number]!, trial, form);
      const registers = native.registers.map((_value, index) => parts.register(index));
      expect(registers, form.text).toEqual(native.registers);
      expect(faults, form.text).toBe(form.isRepeated ? Number(trial.registers[RCX]) : 1);
    });
    expect(parts.outOfBounds).toBe(0);
  }, 60_000);

  test("carry the data between device and memory", () => {
    const parts = new Parts(module, 512 * 1024 * 1024);
    const random = new Random(7n);
    const program = buildProgram(["rep movsl", "rep stosl"]);
    const fromDevice = makeTrial(random, { text: "rep movsl", device: RSI, isRepeated: true }, 0);
    fromDevice.flags = ALWAYS_SET;
    fromDevice.registers[RCX] = 3n;
    execute(parts, program.code[0]!, fromDevice, { text: "rep movsl", device: RSI, isRepeated: true });
    const memory = Number(MEMORY_AT + MIDDLE);
    expect(parts.ram.subarray(memory, memory + 12)).toEqual(fromDevice.bytes.subarray(32, 44));

    const toDevice = makeTrial(random, { text: "rep movsl", device: RDI, isRepeated: true }, 0);
    toDevice.flags = ALWAYS_SET;
    toDevice.registers[RCX] = 3n;
    const { device } = execute(parts, program.code[0]!, toDevice, { text: "rep movsl", device: RDI, isRepeated: true });
    expect(device.subarray(32, 44)).toEqual(toDevice.bytes.subarray(32, 44));
  }, 60_000);
});
