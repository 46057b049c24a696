// The task switch itself (SDM 3A 8.3): what is saved, what is loaded, which checks fault where (table 8-1).

import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { AccessStatus, Mailbox, SegmentFrame, TASK_EXTERNAL, TaskSegment, VcpuFrame } from "../../../../monitor/interface.ts";
import { compileParts, Parts } from "../parts.ts";

const NO_ERROR_CODE = -1n;
const GDT = 0x1000;
const OLD = { selector: 0x18, base: 0x2000 };
const NEW = { selector: 0x20, base: 0x3000 };
const NARROW = { selector: 0x28, base: 0x4000 };
const CODE = 0x08;
const DATA = 0x10;
const USER_CODE = 0x33;
const USER_DATA = 0x3b;
const ABSENT_DATA = 0x40;
const CONFORMING = 0x48;
const ABSENT_CODE = 0x50;
const LDT = 0x58;
const BUSY = 0x200n << 32n;
const NT = 0x4000n;
const VM = 0x20000n;

const enum Source { Call = 0, Iret = 1, Jump = 2, Gate = 3 }
const enum Segment { Es = 0, Cs = 1, Ss = 2, Ds = 3, Fs = 4, Gs = 5 }

let module: WebAssembly.Module;
let parts: Parts;

beforeAll(async () => {
  module = await compileParts();
}, 240_000);

function descriptor(selector: number, base: number, limit: number, type: number, flags = 0): void {
  const high = ((base >>> 16) & 0xff) | (type << 8) | (limit & 0xf0000) | (flags << 20) | (base & 0xff000000);
  parts.ram.writeUInt32LE(((limit & 0xffff) | (base << 16)) >>> 0, GDT + (selector & ~7));
  parts.ram.writeUInt32LE(high >>> 0, GDT + (selector & ~7) + 4);
}

const typeOf = (selector: number): number => parts.ram.readUInt8(GDT + selector + 5) & 0xf;
const field = (base: number, offset: number): number => parts.ram.readUInt32LE(base + offset);
const setField = (offset: number, value: number): void => void parts.ram.writeUInt32LE(value, NEW.base + offset);
const selector = (segment: number): number => parts.mailbox.getUint32(Mailbox.Selectors + segment * 4, true);
const segmentRights = (segment: number): number => parts.mailbox.getUint32(Mailbox.Segments + segment * SegmentFrame.Size + SegmentFrame.Rights, true);
const segmentBase = (segment: number): number => parts.mailbox.getUint32(Mailbox.Segments + segment * SegmentFrame.Size, true);
const fault = (): { vector: number; errorCode: number } | undefined => {
  const mode = parts.frame(VcpuFrame.CodeMode);
  return mode >> 32n === 0n ? undefined : { vector: Number(mode >> 32n), errorCode: Number(mode & 0xffff_ffffn) };
};

beforeEach(() => {
  parts = new Parts(module, 0x20000);
  descriptor(CODE, 0, 0xfffff, 0x9a, 0xc);
  descriptor(DATA, 0, 0xfffff, 0x93, 0xc);
  descriptor(OLD.selector, OLD.base, 0x67, 0x8b);
  descriptor(NEW.selector, NEW.base, 0x67, 0x89);
  descriptor(NARROW.selector, NARROW.base, 0x2b, 0x81);
  descriptor(USER_CODE, 0, 0xfffff, 0xfb, 0xc);
  descriptor(USER_DATA, 0, 0xfffff, 0xf3, 0xc);
  descriptor(ABSENT_DATA, 0, 0xfffff, 0x13, 0xc);
  descriptor(CONFORMING, 0, 0xfffff, 0x9f, 0xc);
  descriptor(ABSENT_CODE, 0, 0xfffff, 0x1b, 0xc);
  descriptor(LDT, GDT, 0xff, 0x82);
  parts.setSegment(TaskSegment.Gdt, { base: BigInt(GDT), limit: 0x5f });
  parts.setSegment(TaskSegment.Task, { base: BigInt(OLD.base), limit: 0x67, rights: 0x8b });
  [DATA, CODE, DATA, DATA, DATA, DATA, 0, OLD.selector].forEach((value, segment) => parts.mailbox.setUint32(Mailbox.Selectors + segment * 4, value, true));
  for (let register = 0; register < 8; register++) parts.setRegister(register, BigInt(0x1111_1111 * (register + 1)));
  parts.setFrame(VcpuFrame.Rip, 0x1234_5678n);
  parts.setFrame(VcpuFrame.Rflags, 0x202n | NT);
  parts.setFrame(VcpuFrame.Cr0, 1n);
  parts.setFrame(VcpuFrame.CodeMode, 2n | (3n << 2n));
  [0x8000, 0x46, 0xa0, 0xa1, 0xa2, 0xa3, 0x9000, 0xa5, 0xa6, 0xa7, DATA, CODE, DATA, DATA, 0, 0, 0].forEach((value, index) => setField(0x20 + index * 4, value));
});

const switchTo = (target: { selector: number }, source: Source, errorCode = NO_ERROR_CODE): AccessStatus => parts.exports.switchTask(0, (source << 30) | target.selector, errorCode);

describe("by CALL", () => {
  beforeEach(() => expect(switchTo(NEW, Source.Call)).toBe(AccessStatus.Done));

  test("the old task is saved, stays busy, and is linked to", () => {
    expect([0x20, 0x24, 0x28, 0x44, 0x48, 0x4c, 0x5c].map((offset) => field(OLD.base, offset))).toEqual([0x1234_5678, 0x4202, 0x1111_1111, 0x8888_8888, DATA, CODE, DATA]);
    expect(typeOf(OLD.selector)).toBe(0xb);
    expect(parts.ram.readUInt16LE(NEW.base)).toBe(OLD.selector);
  });

  test("the new task is loaded, busy and nested", () => {
    expect(parts.frame(VcpuFrame.Rip)).toBe(0x8000n);
    expect(parts.frame(VcpuFrame.Rflags)).toBe(0x46n | NT);
    expect([0, 4, 7].map((register) => parts.register(register))).toEqual([0xa0n, 0x9000n, 0xa7n]);
    expect(typeOf(NEW.selector)).toBe(0xb);
    expect([selector(TaskSegment.Task), segmentBase(TaskSegment.Task), segmentRights(TaskSegment.Task)]).toEqual([NEW.selector, NEW.base, 0x8b]);
    expect([Segment.Cs, Segment.Ss, Segment.Ds, Segment.Fs].map(segmentRights)).toEqual([0xc09b, 0xc093, 0xc093, 0x10000]);
    expect(typeOf(CODE)).toBe(0xb); // accessed
    expect(fault()).toBeUndefined();
  });

  test("IRET goes back: NT is cleared in what is saved, the task is no longer busy", () => {
    expect(switchTo(OLD, Source.Iret)).toBe(AccessStatus.Done);
    expect(field(NEW.base, 0x24)).toBe(0x46);
    expect([typeOf(NEW.selector), typeOf(OLD.selector)]).toEqual([0x9, 0xb]);
    expect(parts.frame(VcpuFrame.Rip)).toBe(0x1234_5678n);
    expect(parts.frame(VcpuFrame.Rflags)).toBe(0x202n | NT);
    expect(parts.register(7)).toBe(0x8888_8888n);
  });
});

test("by JMP: the old task is no longer busy, the new one neither linked nor nested", () => {
  switchTo(NEW, Source.Jump);
  expect([typeOf(OLD.selector), typeOf(NEW.selector), parts.ram.readUInt16LE(NEW.base)]).toEqual([0x9, 0xb, 0]);
  expect(parts.frame(VcpuFrame.Rflags)).toBe(0x46n);
});

test("by a task gate: the error code is pushed", () => {
  switchTo(NEW, Source.Gate, 0x1234n);
  expect(parts.register(4)).toBe(0x8ffcn);
  expect(field(0x8ffc, 0)).toBe(0x1234);
});

test("a 16-bit task: 16 bits of each register, no FS and GS, the error code has 2 bytes", () => {
  [0x7000, 0x46, 0xa0, 0xa1, 0xa2, 0xa3, 0x9000, 0xa5, 0xa6, 0xa7, DATA, CODE, DATA, DATA, 0].forEach((value, index) => parts.ram.writeUInt16LE(value, NARROW.base + 0x0e + index * 2));
  parts.ram.writeUInt16LE(0xffff, NARROW.base + 0x2c); // behind it
  switchTo(NARROW, Source.Gate, 0x99n);
  expect([parts.frame(VcpuFrame.Rip), parts.register(7), parts.register(4)]).toEqual([0x7000n, 0xa7n, 0x8ffen]);
  expect([Segment.Ds, Segment.Fs, Segment.Gs].map(selector)).toEqual([DATA, 0, 0]);
  expect(parts.ram.readUInt16LE(0x8ffe)).toBe(0x99);
});

test("virtual-8086 mode: segments are those of real mode, with DPL 3", () => {
  setField(0x24, Number(VM) | 2);
  setField(0x4c, 0x1234);
  setField(0x54, 0x4321);
  switchTo(NEW, Source.Jump);
  expect([segmentBase(Segment.Cs), segmentRights(Segment.Cs), segmentBase(Segment.Ds), segmentRights(Segment.Ss)]).toEqual([0x12340, 0xf3, 0x43210, 0xf3]);
  expect(fault()).toBeUndefined();
});

test("virtual-8086 mode with an LDT that is none: #TS with the segments of that mode", () => {
  setField(0x24, Number(VM) | 2);
  setField(0x60, DATA);
  switchTo(NEW, Source.Jump);
  expect(fault()).toEqual({ vector: 10, errorCode: DATA });
  expect([Segment.Es, Segment.Cs, Segment.Ss].map(segmentRights)).toEqual([0xf3, 0xf3, 0xf3]);
});

test("from virtual-8086 mode to code that is none: #TS, with segments that a VM entry takes in protected mode", () => {
  for (let segment = Segment.Es; segment <= Segment.Gs; segment++) parts.setSegment(segment, { base: 0x12340n, limit: 0xffff, rights: 0xf3 });
  setField(0x4c, DATA);
  switchTo(NEW, Source.Gate);
  expect(fault()).toEqual({ vector: 10, errorCode: DATA });
  expect([Segment.Es, Segment.Cs, Segment.Ss].map(segmentRights)).toEqual([0x10000, 0xfb, 0x10060]);
});

test("user mode: CPL is that of CS", () => {
  [USER_DATA, USER_CODE, USER_DATA, USER_DATA].forEach((value, index) => setField(0x48 + index * 4, value));
  switchTo(NEW, Source.Jump);
  expect(fault()).toBeUndefined();
  expect(segmentRights(Segment.Ss)).toBe(0xc0f3);
});

describe("a fault of the new task", () => {
  const ES = 0x48, CS = 0x4c, SS = 0x50, DS = 0x54, LDTR = 0x60;
  test.each<[string, number, number, number, number]>([
    ["LDTR is no LDT: #TS", LDTR, DATA, 10, DATA],
    ["LDTR is beyond the GDT: #TS", LDTR, 0x60, 10, 0x60],
    ["CS is null: #TS", CS, 0, 10, 0],
    ["CS is data: #TS", CS, DATA, 10, DATA],
    ["DPL of CS is not its RPL: #TS", CS, CODE | 1, 10, CODE],
    ["CS is not present: #NP", CS, ABSENT_CODE, 11, ABSENT_CODE],
    ["SS is null: #TS", SS, 0, 10, 0],
    ["SS is code: #TS", SS, CODE, 10, CODE],
    ["RPL of SS is not CPL: #TS", SS, DATA | 3, 10, DATA],
    ["SS is not present: #SS", SS, ABSENT_DATA, 12, ABSENT_DATA],
    ["DS is a TSS: #TS", DS, OLD.selector, 10, OLD.selector],
    ["DPL of DS is less than its RPL: #TS", DS, DATA | 3, 10, DATA],
    ["ES is not present: #NP", ES, ABSENT_DATA, 11, ABSENT_DATA],
  ])("%s", (_name, offset, value, vector, errorCode) => {
    setField(offset, value);
    expect(switchTo(NEW, Source.Call)).toBe(AccessStatus.Done);
    expect(fault()).toEqual({ vector, errorCode });
    expect(parts.frame(VcpuFrame.Rip)).toBe(0x8000n);
    expect(selector(TaskSegment.Task)).toBe(NEW.selector);
  });

  test("CPL of SS without a segment is that of CS", () => {
    setField(CS, USER_CODE);
    switchTo(NEW, Source.Call);
    expect(fault()).toEqual({ vector: 10, errorCode: DATA });
    expect(segmentRights(Segment.Ss)).toBe(0x10060);
  });
});

describe("the error code of a fault says whether an event asked for the switch (EXT, SDM 3A 6.13)", () => {
  const ES = 0x48;
  const byGate = (external: number): AccessStatus => parts.exports.switchTask(0, (Source.Gate << 30) | external | NEW.selector, NO_ERROR_CODE);

  test.each([["INT n", 0, ABSENT_DATA], ["an interrupt", TASK_EXTERNAL, ABSENT_DATA | 1]])("%s", (_name, external, errorCode) => {
    setField(ES, ABSENT_DATA);
    expect(byGate(external)).toBe(AccessStatus.Done);
    expect(fault()).toEqual({ vector: 11, errorCode });
  });

  test("an exception whose error code has no room on the stack", () => {
    setField(0x38, 2); // ESP
    descriptor(DATA, 0, 0xff, 0x93, 0x4);
    parts.exports.switchTask(0, (Source.Gate << 30) | TASK_EXTERNAL | NEW.selector, 0x1234n);
    expect(fault()).toEqual({ vector: 12, errorCode: 1 });
  });
});

test("conforming code of a lower DPL runs with the RPL of its selector", () => {
  [USER_DATA, CONFORMING | 3, USER_DATA, USER_DATA].forEach((value, index) => setField(0x48 + index * 4, value));
  switchTo(NEW, Source.Call);
  expect(fault()).toBeUndefined();
});

test("a segment in the LDT of the new task", () => {
  setField(0x60, LDT);
  setField(0x54, DATA | 4);
  switchTo(NEW, Source.Call);
  expect(fault()).toBeUndefined();
  expect(segmentBase(TaskSegment.Ldt)).toBe(GDT);
});

describe("refused, and nothing changed", () => {
  test.each<[string, () => void]>([
    ["beyond the GDT", () => parts.setSegment(TaskSegment.Gdt, { base: BigInt(GDT), limit: 0x1f })],
    ["in IA-32e mode", () => parts.setFrame(VcpuFrame.Efer, 0x500n)],
    ["in real mode", () => parts.setFrame(VcpuFrame.Cr0, 0n)],
    ["no TSS", () => descriptor(NEW.selector, NEW.base, 0xfffff, 0x93, 0xc)],
    ["a TSS that is too short", () => descriptor(NEW.selector, NEW.base, 0x66, 0x89)],
  ])("%s", (_name, prepare) => {
    prepare();
    const before = Buffer.from(parts.ram);
    expect(switchTo(NEW, Source.Call)).toBe(AccessStatus.Undecodable);
    expect(parts.ram.equals(before)).toBe(true);
    expect(parts.frame(VcpuFrame.Rip)).toBe(0x1234_5678n);
  });

  test("the state of the new task is not mapped", () => {
    const DIRECTORY = 0x10000;
    const TABLE = 0x11000;
    parts.ram.writeUInt32LE(TABLE | 7, DIRECTORY);
    for (let page = 0; page < 32; page++) parts.ram.writeUInt32LE(page === NEW.base >> 12 ? 0 : (page << 12) | 3, TABLE + page * 4);
    parts.setFrame(VcpuFrame.Cr0, 0x8000_0001n);
    parts.setFrame(VcpuFrame.Cr3, BigInt(DIRECTORY));
    expect(switchTo(NEW, Source.Call)).toBe(AccessStatus.Undecodable);
    expect(typeOf(NEW.selector)).toBe(9);
    expect(BigInt(parts.ram.readUInt32LE(GDT + OLD.selector + 4)) & (BUSY >> 32n)).not.toBe(0n);
  });
});
