// MOVS, CMPS, STOS, LODS and SCAS on a device, against the processor of this machine.

import { beforeAll, describe, expect, test } from "vitest";
import { AccessStatus, VcpuFrame } from "../../../../monitor/interface.ts";
import { compileParts, Parts } from "../parts.ts";
import { buildProgram, CODE, OPERAND, OPERAND_BYTES, SEGMENT_BASES, type CodeSize, type Trial } from "./native/native.ts";
import { Random } from "./native/random.ts";

const CODE_MODE: Record<CodeSize, bigint> = { 16: 0n, 32: 2n, 64: 1n };
const PROTECTION = 1n;
const ARITHMETIC_FLAGS = 0x8d5n;
const ALWAYS_SET = 0x2n;
const DIRECTION_FLAG = 0x400n;
const TRAP_FLAG = 0x100n;
const RAX = 0;
const RCX = 1;
const RSI = 6;
const RDI = 7;
/** The device is what lies from here up, RAM is below; the trial's bytes reach 32 bytes to both sides. */
const DEVICE = OPERAND + 4096n;
const BYTES_AT = DEVICE - 32n;
const TRIALS_PER_FORM = 30;

let module: WebAssembly.Module;

beforeAll(async () => {
  module = await compileParts();
}, 60_000);

function formsOf(code: CodeSize): string[] {
  const sizes = code === 64 ? ["b", "w", "l", "q"] : ["b", "w", "l"];
  const addresses = code === 64 ? ["", "addr32 "] : code === 32 ? ["", "addr16 "] : ["", ".byte 0x67; "]; // clang takes no addr32 there
  const sources = code === 64 ? [""] : ["", "%es:", "%ss:", "%gs:"];
  return sizes.flatMap((size) => addresses.flatMap((address) => [
    ...["", "rep "].flatMap((repeat) => sources.flatMap((segment) => [`${address}${repeat}movs${size} ${operands(code, address, segment)}`, `${address}${repeat}lods${size} ${operands(code, address, segment).split(",")[0]}`])),
    ...["", "rep "].map((repeat) => `${address}${repeat}stos${size}`),
    ...["", "repe ", "repne "].flatMap((repeat) => [`${address}${repeat}cmps${size}`, `${address}${repeat}scas${size}`]),
  ]));
}

/** Operands that name the source's segment. */
function operands(code: CodeSize, address: string, segment: string): string {
  const width = address === "addr32 " ? 32 : address === "addr16 " ? 16 : code;
  const prefix = width === 64 ? "r" : width === 32 ? "e" : "";
  return `${segment === "" ? "%ds:" : segment}(%${prefix}si), %es:(%${prefix}di)`;
}

function sourceBase(text: string): bigint {
  const name = /%(es|ss|gs):\(%[re]?si/.exec(text)?.[1] as "es" | "ss" | "gs" | undefined;
  return SEGMENT_BASES[name ?? "ds"];
}

/** Both operands lie among the trial's bytes, at any place and overlapping, so that elements cross from RAM to the device. */
function makeTrial(random: Random, text: string, form: number, code: CodeSize): Trial {
  const registers = Array.from({ length: 16 }, () => random.word());
  const bytes = Buffer.alloc(OPERAND_BYTES);
  for (let at = 0; at < OPERAND_BYTES; at += 1) bytes.writeUInt8(random.below(5) === 0 ? random.below(256) : 0x55, at);
  registers[RAX] = random.below(2) === 0 ? 0x5555555555555555n : random.word();
  const isDown = random.below(2) === 0;
  const place = (): bigint => BYTES_AT + BigInt(isDown ? 32 + random.below(24) : random.below(24));
  const isNarrow = text.startsWith("addr32") && code === 64;
  const high = isNarrow ? 0xabcd00000000n : 0n; // must not count
  registers[RSI] = BigInt.asUintN(64, place() - (code === 64 ? 0n : sourceBase(text))) | high;
  registers[RDI] = BigInt.asUintN(64, place() - (code === 64 ? 0n : SEGMENT_BASES.es)) | high;
  if (text.includes("rep")) registers[RCX] = BigInt(random.below(4) + 1);
  const flags = ALWAYS_SET | (isDown ? DIRECTION_FLAG : 0n) | (random.word() & ARITHMETIC_FLAGS);
  return { form, codeSize: code, registers, flags, offset: Number(BYTES_AT - OPERAND), bytes };
}

/** A guest with the trial's state, whose bytes at and above DEVICE are on the bus. */
class Guest {
  private readonly device = Buffer.alloc(OPERAND_BYTES / 2);
  turns = 0;

  constructor(readonly parts: Parts, private readonly code: Buffer, private readonly trial: Trial, memoryEnd = DEVICE) {
    const { codeSize = 64, bytes, registers, flags } = trial;
    parts.configure(memoryEnd, 0n, 1);
    bytes.copy(parts.ram, Number(BYTES_AT), 0, 32);
    bytes.copy(this.device, 0, 32);
    code.copy(parts.ram, Number(CODE));
    registers.forEach((value, number) => parts.setRegister(number, value));
    const { es, cs, ss, ds, fs, gs } = SEGMENT_BASES;
    [es, cs, ss, ds, fs, gs].forEach((base, number) => parts.setSegment(number, base === cs ? { base, rights: 0xc09b } : { base }));
    parts.setFrame(VcpuFrame.Cr0, PROTECTION);
    parts.setFrame(VcpuFrame.Rip, this.start);
    parts.setFrame(VcpuFrame.Rflags, flags);
    parts.setFrame(VcpuFrame.CodeMode, CODE_MODE[codeSize]);
    parts.bus = { ...parts.bus, memoryRead: (gpa, size) => BigInt(this.read(gpa, size)), memoryWrite: (gpa, size, value) => this.write(gpa, size, value) };
  }

  get start(): bigint {
    return this.trial.codeSize === 64 ? CODE : CODE - SEGMENT_BASES.cs;
  }

  get bytes(): Buffer {
    return Buffer.concat([this.parts.ram.subarray(Number(BYTES_AT), Number(DEVICE)), this.device]);
  }

  /** Executes until RIP moves on, as a guest does that faults again. */
  run(text: string): void {
    while (this.parts.frame(VcpuFrame.Rip) === this.start && this.turns++ < 300) {
      expect(this.parts.exports.executeMemoryAccess(0, DEVICE, 0), text).toBe(AccessStatus.Done);
    }
    expect(this.parts.frame(VcpuFrame.Rip), text).toBe(this.start + BigInt(this.code.length));
  }

  private read(gpa: bigint, size: number): bigint {
    const bytes = Buffer.alloc(8);
    this.device.copy(bytes, 0, Number(gpa - DEVICE), Number(gpa - DEVICE) + size);
    return bytes.readBigUInt64LE();
  }

  private write(gpa: bigint, size: number, value: bigint): void {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64LE(value);
    bytes.copy(this.device, Number(gpa - DEVICE), 0, size);
  }
}

describe.each([64, 32, 16] as const)("string instructions in %i-bit code", (code) => {
  test("do what they do on the processor", () => {
    const random = new Random(0x5bd1e995n);
    const forms = formsOf(code);
    const program = buildProgram(forms, code);
    const parts = new Parts(module, 0x1002_0000);
    const trials = forms.flatMap((text, form) => Array.from({ length: TRIALS_PER_FORM }, () => makeTrial(random, text, form, code)));
    const results = program.run(trials);
    const width = code === 64 ? 64 : 32;
    const count = code === 64 ? 16 : 8;
    const shown = (registers: readonly bigint[]): bigint[] => registers.slice(0, count).map((value) => BigInt.asUintN(width, value));
    trials.forEach((trial, number) => {
      const text = forms[trial.form]!;
      const native = results[number]!;
      const guest = new Guest(parts, program.code[trial.form]!, trial);
      guest.run(text);
      expect(shown(native.registers.map((_value, index) => parts.register(index))), text).toEqual(shown(native.registers));
      expect(guest.bytes.toString("hex"), text).toBe(native.bytes.toString("hex"));
      expect(parts.frame(VcpuFrame.Rflags) & ARITHMETIC_FLAGS, text).toBe(native.flags & ARITHMETIC_FLAGS);
    });
    expect(parts.outOfBounds).toBe(0);
  }, 120_000);
});

/** REP STOSB of 200 bytes to a device. */
function fill(flags = 0n): { guest: Guest; parts: Parts; writes: bigint[] } {
  const parts = new Parts(module, 0x1002_0000);
  const registers = Array.from({ length: 16 }, () => 0n);
  registers[RCX] = 200n;
  registers[RDI] = DEVICE;
  const trial: Trial = { form: 0, codeSize: 64, registers, flags: ALWAYS_SET | flags, offset: 0, bytes: Buffer.alloc(OPERAND_BYTES) };
  const guest = new Guest(parts, Buffer.from("f3aa", "hex"), trial);
  const writes: bigint[] = [];
  parts.bus = { ...parts.bus, memoryWrite: (gpa) => void writes.push(gpa) };
  return { guest, parts, writes };
}

describe("a long repetition", () => {
  test("takes several turns", () => {
    const { guest, writes } = fill();
    guest.run("rep stosb");
    expect(guest.turns).toBe(4);
    expect(writes).toEqual(Array.from({ length: 200 }, (_, at) => DEVICE + BigInt(at)));
  });

  test("ends its turn after each element while the guest steps", () => {
    const { guest } = fill(TRAP_FLAG);
    guest.run("rep stosb");
    expect(guest.turns).toBe(200);
  });

  test("keeps what was done before an element that the device refuses", () => {
    const { parts, writes } = fill();
    parts.bus.memoryWrite = (gpa) => (gpa === DEVICE + 3n ? parts.answer(AccessStatus.GeneralProtection) : void writes.push(gpa));
    expect(parts.exports.executeMemoryAccess(0, DEVICE, 1)).toBe(AccessStatus.Done);
    expect([parts.register(RCX), parts.register(RDI), parts.frame(VcpuFrame.Rip)]).toEqual([197n, DEVICE + 3n, CODE]);
    const before = parts.frameBytes();
    expect(parts.exports.executeMemoryAccess(0, DEVICE + 3n, 1)).toBe(AccessStatus.GeneralProtection);
    expect(parts.frameBytes()).toEqual(before);
    expect(writes).toHaveLength(3);
  });

  test("ends its turn after an element that nobody answers", () => {
    const { parts } = fill();
    parts.bus.memoryWrite = (gpa) => void (gpa === DEVICE + 5n && parts.answer(AccessStatus.OpenBus));
    expect(parts.exports.executeMemoryAccess(0, DEVICE, 1)).toBe(AccessStatus.OpenBus);
    expect(parts.register(RCX)).toBe(194n);
  });
});
