// Instructions on segment registers with their operand on a device (SDM 2A MOV, JMP, LLDT, LTR, STR): what they load, what they refuse.

import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { AccessStatus, Mailbox, SegmentFrame, TaskSegment, VcpuFrame } from "../../../../monitor/interface.ts";
import { compileParts, Parts } from "../parts.ts";

const GDT = 0x1000;
const CODE_ADDRESS = 0x8000;
const DEVICE = 0x40_0000n;
const CODE = 0x08;
const DATA = 0x10;
const USER_DATA = 0x1b;
const READ_ONLY = 0x20;
const ABSENT = 0x28;
const EXECUTE_ONLY = 0x30;
const TASK = 0x38;
const LDT = 0x48;
const BUSY_TASK = 0x58;
const CODE_64 = 0x68;
const USER_CODE = 0x73;
const CONFORMING = 0x78;
const HIGH_TASK = 0x80;
const LIMIT = 0x8f;
const EFER_LMA = 0x400n;
const enum Segment { Es = 0, Cs = 1, Ss = 2, Ds = 3, Fs = 4, Gs = 5 }
/** Their operand is [EBX] or [RBX]. */
const MOV = { es: "8e03", ss: "8e13", ds: "8e1b", fs: "8e23", gs: "8e2b" };
const LLDT_CODE = "0f0013";
const LTR_CODE = "0f001b";
const JUMP_FAR = "ff2b";

let module: WebAssembly.Module;
let parts: Parts;
let value: bigint;
let written: [bigint, number, bigint][];

beforeAll(async () => {
  module = await compileParts();
}, 240_000);

function descriptor(selector: number, base: number, limit: number, type: number, flags = 0): void {
  const high = ((base >>> 16) & 0xff) | (type << 8) | (limit & 0xf0000) | (flags << 20) | (base & 0xff000000);
  parts.ram.writeUInt32LE(((limit & 0xffff) | (base << 16)) >>> 0, GDT + (selector & ~7));
  parts.ram.writeUInt32LE(high >>> 0, GDT + (selector & ~7) + 4);
}

beforeEach(() => {
  parts = new Parts(module, 0x20000);
  descriptor(CODE, 0, 0xfffff, 0x9b, 0xc);
  descriptor(DATA, 0x12000000, 0xfffff, 0x92, 0xc);
  descriptor(USER_DATA, 0, 0xfffff, 0xf2, 0xc);
  descriptor(READ_ONLY, 0, 0xfffff, 0x90, 0xc);
  descriptor(ABSENT, 0, 0xfffff, 0x12, 0xc);
  descriptor(EXECUTE_ONLY, 0, 0xfffff, 0x98, 0xc);
  descriptor(TASK, 0x5000, 0x67, 0x89);
  descriptor(LDT, 0x6000, 0xff, 0x82);
  descriptor(BUSY_TASK, 0x5000, 0x67, 0x8b);
  descriptor(CODE_64, 0, 0xfffff, 0x9a, 0xa);
  descriptor(USER_CODE, 0, 0xfffff, 0xfa, 0xc);
  descriptor(CONFORMING, 0, 0xfffff, 0x9e, 0xc);
  descriptor(HIGH_TASK, 0x5000, 0x67, 0x89);
  parts.ram.writeUInt32LE(0xffff8000, GDT + HIGH_TASK + 8);
  parts.setSegment(TaskSegment.Gdt, { base: BigInt(GDT), limit: LIMIT });
  parts.setSegment(TaskSegment.Ldt, { rights: 0x10000 });
  parts.setSegment(Segment.Cs, { rights: 0xc09b });
  [DATA, CODE, DATA, DATA, 0, 0, 0, BUSY_TASK].forEach((selector, segment) => parts.mailbox.setUint32(Mailbox.Selectors + segment * 4, selector, true));
  parts.setFrame(VcpuFrame.Cr0, 1n);
  parts.setFrame(VcpuFrame.CodeMode, 2n);
  parts.setFrame(VcpuFrame.Rflags, 2n);
  parts.setRegister(3, DEVICE);
  written = [];
  parts.bus = { ...parts.bus, memoryRead: (gpa, size) => BigInt.asUintN(size * 8, value >> ((gpa - DEVICE) * 8n)), memoryWrite: (gpa, size, data) => void written.push([gpa, size, data]) };
});

/** In IA-32e mode with 64-bit code. The tables stay without paging, which the decoder does not ask about. */
function useLongMode(): void {
  parts.setFrame(VcpuFrame.Efer, EFER_LMA);
  parts.setFrame(VcpuFrame.CodeMode, 1n);
  parts.setSegment(Segment.Cs, { rights: 0xa09b });
}

function setLevel(level: bigint): void {
  parts.setFrame(VcpuFrame.CodeMode, (parts.frame(VcpuFrame.CodeMode) & 3n) | (level << 2n));
}

/** The instruction that the kernel had the monitor look at first. */
function execute(code: string, operand: bigint | number): AccessStatus {
  value = BigInt(operand);
  Buffer.from(code, "hex").copy(parts.ram, CODE_ADDRESS);
  parts.setFrame(VcpuFrame.Rip, BigInt(CODE_ADDRESS));
  expect(parts.exports.executeMemoryAccess(0, DEVICE, 0)).toBe(AccessStatus.NeedsSegments);
  return parts.exports.executeSegmentAccess(0, DEVICE);
}

const selector = (segment: number): number => parts.mailbox.getUint32(Mailbox.Selectors + segment * 4, true);
const record = (segment: number): number => Mailbox.Segments + segment * SegmentFrame.Size;
const rights = (segment: number): number => parts.mailbox.getUint32(record(segment) + SegmentFrame.Rights, true);
const base = (segment: number): bigint => parts.mailbox.getBigUint64(record(segment), true);
const typeOf = (entry: number): number => parts.ram.readUInt8(GDT + (entry & ~7) + 5) & 0xf;
const fault = (): [vector: bigint, errorCode: bigint] => [parts.frame(VcpuFrame.CodeMode) >> 32n, parts.frame(VcpuFrame.CodeMode) & 0xffff_ffffn];
const distance = (): bigint => parts.frame(VcpuFrame.Rip) - BigInt(CODE_ADDRESS);

describe("MOV to a segment register", () => {
  test.each([["ES", MOV.es, Segment.Es], ["SS", MOV.ss, Segment.Ss], ["DS", MOV.ds, Segment.Ds], ["FS", MOV.fs, Segment.Fs], ["GS", MOV.gs, Segment.Gs]])("%s: takes the descriptor and marks it", (_name, code, segment) => {
    expect(execute(code, DATA)).toBe(AccessStatus.Done);
    expect([selector(segment), base(segment), rights(segment), typeOf(DATA), distance()]).toEqual([DATA, 0x12000000n, 0xc093, 3, 2n]);
  });

  test("of a null selector: the register cannot be used", () => {
    expect(execute(MOV.fs, 0)).toBe(AccessStatus.Done);
    expect([selector(Segment.Fs), rights(Segment.Fs)]).toEqual([0, 0x10000]);
  });

  test.each<[string, string, number, bigint, bigint, bigint]>([
    ["beyond the table: #GP", MOV.ds, 0x90, 0n, 13n, 0x90n],
    ["in no LDT: #GP", MOV.ds, 0x14, 0n, 13n, 0x14n],
    ["of code that cannot be read: #GP", MOV.ds, EXECUTE_ONLY, 0n, 13n, BigInt(EXECUTE_ONLY)],
    ["of a TSS: #GP", MOV.ds, TASK, 0n, 13n, BigInt(TASK)],
    ["of a more privileged one: #GP", MOV.ds, DATA, 3n, 13n, BigInt(DATA)],
    ["not present: #NP", MOV.ds, ABSENT, 0n, 11n, BigInt(ABSENT)],
    ["null in SS: #GP(0)", MOV.ss, 0, 0n, 13n, 0n],
    ["read-only in SS: #GP", MOV.ss, READ_ONLY, 0n, 13n, BigInt(READ_ONLY)],
    ["of another level in SS: #GP", MOV.ss, USER_DATA, 0n, 13n, BigInt(USER_DATA & ~3)],
    ["not present in SS: #SS", MOV.ss, ABSENT, 0n, 12n, BigInt(ABSENT)],
  ])("%s", (_name, code, operand, level, vector, errorCode) => {
    setLevel(level);
    expect(execute(code, operand)).toBe(AccessStatus.GuestFault);
    expect([fault(), distance(), typeOf(DATA)]).toEqual([[vector, errorCode], 0n, 2]);
  });

  test.each([0n, 1n, 2n])("64-bit code of level %i may load SS with a null selector of its level", (level) => {
    useLongMode();
    setLevel(level);
    expect(execute(MOV.ss, level)).toBe(AccessStatus.Done);
    expect([selector(Segment.Ss), rights(Segment.Ss)]).toEqual([Number(level), 0x10000 | (Number(level) << 5)]);
    setLevel(level);
    expect(execute(MOV.ss, level + 1n)).toBe(AccessStatus.GuestFault);
  });

  test("SS is refused where something may come in its shadow", () => {
    parts.setFrame(VcpuFrame.Rflags, 0x202n);
    expect(execute(MOV.ss, DATA)).toBe(AccessStatus.Undecodable);
    parts.setFrame(VcpuFrame.Rflags, 0x102n);
    expect(execute(MOV.ss, DATA)).toBe(AccessStatus.Undecodable);
  });

  test("in real mode: 16 times the selector", () => {
    parts.setFrame(VcpuFrame.Cr0, 0n);
    expect(execute(MOV.es, 0xb800)).toBe(AccessStatus.Done);
    expect([selector(Segment.Es), base(Segment.Es)]).toEqual([0xb800, 0xb8000n]);
  });

  test("a refusal of the device changes nothing", () => {
    parts.bus = { ...parts.bus, memoryRead: () => {
      parts.answer(AccessStatus.GeneralProtection);
      return BigInt(DATA);
    } };
    expect(execute(MOV.ds, DATA)).toBe(AccessStatus.GeneralProtection);
    expect([typeOf(DATA), distance()]).toEqual([2, 0n]);
  });
});

describe("selectors to memory", () => {
  test.each<[string, string, number]>([["MOV from CS", "8c0b", CODE], ["MOV from DS", "8c1b", DATA], ["STR", "0f000b", BUSY_TASK], ["SLDT", "0f0003", 0]])("%s", (_name, code, stored) => {
    expect(execute(code, 0)).toBe(AccessStatus.Done);
    expect(written).toEqual([[DEVICE, 2, BigInt(stored)]]);
    expect(distance()).toBe(BigInt(code.length / 2));
  });
});

describe("LLDT and LTR", () => {
  test("LTR makes the task busy", () => {
    expect(execute(LTR_CODE, TASK)).toBe(AccessStatus.Done);
    expect([selector(TaskSegment.Task), base(TaskSegment.Task), rights(TaskSegment.Task), typeOf(TASK)]).toEqual([TASK, 0x5000n, 0x8b, 0xb]);
  });

  test("LTR in IA-32e mode takes 16 bytes", () => {
    useLongMode();
    expect(execute(LTR_CODE, HIGH_TASK)).toBe(AccessStatus.Done);
    expect(base(TaskSegment.Task)).toBe(0xffff_8000_0000_5000n);
  });

  test("LLDT", () => {
    expect(execute(LLDT_CODE, LDT)).toBe(AccessStatus.Done);
    expect([selector(TaskSegment.Ldt), base(TaskSegment.Ldt), rights(TaskSegment.Ldt)]).toEqual([LDT, 0x6000n, 0x82]);
    expect(execute(LLDT_CODE, 0)).toBe(AccessStatus.Done);
    expect(rights(TaskSegment.Ldt)).toBe(0x10000);
  });

  test.each<[string, string, number, bigint]>([
    ["LTR of a busy task", LTR_CODE, BUSY_TASK, BigInt(BUSY_TASK)],
    ["LTR of data", LTR_CODE, DATA, BigInt(DATA)],
    ["LTR of nothing", LTR_CODE, 0, 0n],
    ["LTR in the LDT", LTR_CODE, TASK | 4, BigInt(TASK | 4)],
    ["LLDT of a task", LLDT_CODE, TASK, BigInt(TASK)],
  ])("%s: #GP", (_name, code, operand, errorCode) => {
    expect(execute(code, operand)).toBe(AccessStatus.GuestFault);
    expect([fault(), distance(), typeOf(TASK)]).toEqual([[13n, errorCode], 0n, 9]);
  });

  test("LTR in IA-32e mode: #GP by a descriptor of half the size, and by a base that is not canonical", () => {
    useLongMode();
    parts.setSegment(TaskSegment.Gdt, { base: BigInt(GDT), limit: HIGH_TASK + 7 });
    expect(execute(LTR_CODE, HIGH_TASK)).toBe(AccessStatus.GuestFault);
    parts.setSegment(TaskSegment.Gdt, { base: BigInt(GDT), limit: LIMIT });
    parts.ram.writeUInt32LE(0x8000, GDT + HIGH_TASK + 8);
    useLongMode();
    expect(execute(LTR_CODE, HIGH_TASK)).toBe(AccessStatus.GuestFault);
    expect([fault(), typeOf(HIGH_TASK)]).toEqual([[13n, BigInt(HIGH_TASK)], 9]);
  });
});

describe("far JMP", () => {
  const to = (target: number, offset: bigint, size: bigint): bigint => offset | (BigInt(target) << (size * 8n));

  test.each<[string, string, bigint]>([["m16:32", JUMP_FAR, 4n], ["m16:16", `66${JUMP_FAR}`, 2n]])("%s", (_name, code, size) => {
    expect(execute(code, to(CODE, 0x4321n, size))).toBe(AccessStatus.Done);
    expect([selector(Segment.Cs), parts.frame(VcpuFrame.Rip)]).toEqual([CODE, 0x4321n]);
  });

  test("m16:64 to 64-bit code", () => {
    useLongMode();
    expect(execute(`48${JUMP_FAR}`, to(CODE_64, 0xffff_8000_0000_1234n, 8n))).toBe(AccessStatus.Done);
    expect([selector(Segment.Cs), rights(Segment.Cs), parts.frame(VcpuFrame.Rip)]).toEqual([CODE_64, 0xa09b, 0xffff_8000_0000_1234n]);
  });

  test("to conforming code keeps the level", () => {
    setLevel(3n);
    expect(execute(JUMP_FAR, to(CONFORMING, 0x10n, 4n))).toBe(AccessStatus.Done);
    expect(selector(Segment.Cs)).toBe(CONFORMING | 3);
  });

  test.each<[string, number, bigint, bigint]>([
    ["to data", DATA, 0n, BigInt(DATA)],
    ["to code of another level", USER_CODE, 0n, BigInt(USER_CODE & ~3)],
    ["to nothing", 0, 0n, 0n],
    ["from level 3 to level 0", CODE, 3n, BigInt(CODE)],
  ])("%s: #GP", (_name, target, level, errorCode) => {
    setLevel(level);
    expect(execute(JUMP_FAR, to(target, 0x10n, 4n))).toBe(AccessStatus.GuestFault);
    expect([fault(), distance(), selector(Segment.Cs)]).toEqual([[13n, errorCode], 0n, CODE]);
  });

  test("beyond the segment, or not canonical: #GP(0)", () => {
    descriptor(CONFORMING, 0, 0xff, 0x9e, 0x4);
    expect(execute(JUMP_FAR, to(CONFORMING, 0x100n, 4n))).toBe(AccessStatus.GuestFault);
    expect(fault()).toEqual([13n, 0n]);
    useLongMode();
    expect(execute(`48${JUMP_FAR}`, to(CODE_64, 0x8000_0000_0000n, 8n))).toBe(AccessStatus.GuestFault);
    expect(fault()).toEqual([13n, 0n]);
  });

  test("to a task is refused", () => expect(execute(JUMP_FAR, to(TASK, 0n, 4n))).toBe(AccessStatus.Undecodable));
});
