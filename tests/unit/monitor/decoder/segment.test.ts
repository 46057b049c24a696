// Segments: bases and what the processor checks of an operand that it has not looked at itself; real mode.

import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { AccessStatus, VcpuFrame } from "../../../../monitor/interface.ts";
import { compileParts, Parts } from "../parts.ts";

const CODE_MODE_64 = 1n;
const CODE_MODE_32 = 2n;
const CODE_MODE_16 = 0n;
const PROTECTION = 1n;
const LA57 = 1n << 12n;
const VIRTUAL_8086 = 1n << 17n;
const STACK_FAULT = 12n << 32n;
const GENERAL_PROTECTION = 13n << 32n;
const SEGMENT = { es: 0, cs: 1, ss: 2, ds: 3, fs: 4, gs: 5 };
const RSI = 6;
const RDI = 7;

const CODE = 0x4000n;
const MEMORY = 0x8000n;
const DEVICE = 0xfee00300n;
const VALUE = 0xa5n;

// Access rights, SDM 3C table 25-2.
const DATA = 0xc093;
const READ_ONLY = 0xc091;
const EXPAND_DOWN_16 = 0x0097;
const EXPAND_DOWN_32 = 0xc097;
const READABLE_CODE = 0xc09b;
const EXECUTE_ONLY = 0xc099;
const UNUSABLE = 0x10000;

const MOVSB = "a4";
const SS_MOVSB = "36a4";

let module: WebAssembly.Module;
let parts: Parts;
let writes: bigint[];

beforeAll(async () => {
  module = await compileParts();
}, 60_000);

beforeEach(() => {
  parts = new Parts(module, 4 * 1024 * 1024);
  writes = [];
  parts.bus = { ...parts.bus, memoryRead: () => VALUE, memoryWrite: (gpa) => void writes.push(gpa) };
  parts.setFrame(VcpuFrame.Rip, CODE);
  parts.setFrame(VcpuFrame.Cr0, PROTECTION);
});

function execute(code: string, mode: bigint, isWrite = 0): AccessStatus {
  Buffer.from(code, "hex").copy(parts.ram, Number(CODE));
  parts.setFrame(VcpuFrame.CodeMode, mode);
  return parts.exports.executeMemoryAccess(0, DEVICE, isWrite);
}

interface Segment {
  base?: bigint;
  limit?: number;
  rights?: number;
}

/** MOVSB from a device at RSI to RAM in `destination`, at offset RDI. */
function moveFromDevice(destination: Segment, offset = MEMORY): AccessStatus {
  parts.setSegment(SEGMENT.es, destination);
  parts.setRegister(RSI, DEVICE);
  parts.setRegister(RDI, offset);
  return execute(MOVSB, CODE_MODE_32);
}

/** MOVSB from RAM in `source`, at offset RSI, to the device. */
function moveToDevice(source: Segment, code = MOVSB): AccessStatus {
  parts.setSegment(code === SS_MOVSB ? SEGMENT.ss : SEGMENT.ds, source);
  parts.setRegister(RSI, MEMORY);
  parts.setRegister(RDI, DEVICE);
  return execute(code, CODE_MODE_32, 1);
}

function expectFault(status: AccessStatus, fault: bigint): void {
  expect(status).toBe(AccessStatus.GuestFault);
  expect(parts.frame(VcpuFrame.CodeMode)).toBe(fault);
  expect(parts.frame(VcpuFrame.Rip)).toBe(CODE);
  expect(writes).toEqual([]);
}

describe("the memory operand of MOVS beside a device", () => {
  test("lies in its segment", () => {
    expect(moveFromDevice({ base: 0x10000n })).toBe(AccessStatus.Done);
    expect(parts.ram.readUInt8(0x18000)).toBe(Number(VALUE));
    expect(parts.register(RDI)).toBe(MEMORY + 1n);
  });

  test("wraps at 4 GiB with its segment's base", () => {
    expect(moveFromDevice({ base: 0xffff_f000n }, MEMORY)).toBe(AccessStatus.Done);
    expect(parts.ram.readUInt8(0x7000)).toBe(Number(VALUE));
  });

  test.each<[string, Segment]>([
    ["that ends there", { limit: 0x8000 }],
    ["that grows down and begins behind", { limit: 0x7fff, rights: EXPAND_DOWN_16 }],
    ["that grows down, up to 4 GiB", { limit: 0x7fff, rights: EXPAND_DOWN_32 }],
  ])("may be written in a segment %s", (_name, segment) => expect(moveFromDevice(segment)).toBe(AccessStatus.Done));

  test.each<[string, Segment]>([
    ["ends before", { limit: 0x7fff }],
    ["is read-only", { rights: READ_ONLY }],
    ["is code", { rights: READABLE_CODE }],
    ["is not usable", { rights: DATA | UNUSABLE }],
    ["grows down and ends there", { limit: 0x8000, rights: EXPAND_DOWN_32 }],
  ])("is #GP to write where the segment %s", (_name, segment) => expectFault(moveFromDevice(segment), GENERAL_PROTECTION));

  test("is #GP beyond 64 KiB of a 16-bit segment that grows down", () => {
    expectFault(moveFromDevice({ limit: 0xfff, rights: EXPAND_DOWN_16 }, 0x10000n), GENERAL_PROTECTION);
    parts.setFrame(VcpuFrame.CodeMode, CODE_MODE_32);
    expect(moveFromDevice({ limit: 0xfff, rights: EXPAND_DOWN_32 }, 0x10000n)).toBe(AccessStatus.Done);
  });

  test.each<[string, Segment]>([["read-only data", { rights: READ_ONLY }], ["readable code", { rights: READABLE_CODE }]])("may be read in %s", (_name, segment) => {
    expect(moveToDevice(segment)).toBe(AccessStatus.Done);
    expect(writes).toEqual([DEVICE]);
  });

  test.each<[string, Segment]>([["execute-only code", { rights: EXECUTE_ONLY }], ["a segment that ends before", { limit: 0x7fff }]])("is #GP to read in %s", (_name, segment) => {
    expectFault(moveToDevice(segment), GENERAL_PROTECTION);
  });

  test("is #SS in the stack segment", () => expectFault(moveToDevice({ limit: 0x7fff }, SS_MOVSB), STACK_FAULT));

  test.each([
    ["real mode", 0n, 0n],
    ["virtual-8086 mode", PROTECTION, VIRTUAL_8086],
  ])("has no type in %s, but a limit", (_name, cr0, flags) => {
    parts.setFrame(VcpuFrame.Cr0, cr0);
    parts.setFrame(VcpuFrame.Rflags, flags);
    expect(moveFromDevice({ rights: READABLE_CODE })).toBe(AccessStatus.Done);
    parts.setFrame(VcpuFrame.Rip, CODE);
    expectFault(moveFromDevice({ rights: READABLE_CODE, limit: 0x7fff }), GENERAL_PROTECTION);
  });
});

describe("64-bit mode", () => {
  function move(rdi: bigint, cr4 = 0n): AccessStatus {
    parts.setFrame(VcpuFrame.Cr4, cr4);
    parts.setSegment(SEGMENT.es, { base: 0x123456n, limit: 0, rights: UNUSABLE });
    parts.setRegister(RSI, DEVICE);
    parts.setRegister(RDI, rdi);
    return execute(MOVSB, CODE_MODE_64);
  }

  test("knows neither base nor limit of ES", () => {
    expect(move(MEMORY)).toBe(AccessStatus.Done);
    expect(parts.ram.readUInt8(Number(MEMORY))).toBe(Number(VALUE));
  });

  test("a prefix of DS says nothing, not even after one of GS", () => {
    parts.setSegment(SEGMENT.gs, { base: 0x10000n });
    parts.ram.writeUInt8(0x77, 0x18000);
    parts.bus.memoryWrite = (_gpa, _size, value) => void writes.push(value);
    parts.setRegister(RSI, MEMORY);
    parts.setRegister(RDI, DEVICE);
    expect(execute("653ea4", CODE_MODE_64, 1)).toBe(AccessStatus.Done);
    expect(writes).toEqual([0x77n]);
  });

  test.each([0x0000_8000_0000_0000n, 0xffff_7fff_ffff_ffffn])("an address that is not canonical is #GP (%#x)", (address) => expectFault(move(address), GENERAL_PROTECTION));

  test("five levels make more addresses canonical", () => {
    expect(move(0x0000_8000_0000_0000n | MEMORY, LA57)).toBe(AccessStatus.Done);
    parts.setFrame(VcpuFrame.Rip, CODE);
    expectFault(move(0x0100_0000_0000_0000n, LA57), GENERAL_PROTECTION);
  });
});

describe("real mode", () => {
  beforeEach(() => {
    parts.setFrame(VcpuFrame.Cr0, 0n);
    parts.setSegment(SEGMENT.cs, { base: 0xf0000n, limit: 0xffff, rights: 0x9b });
    parts.setFrame(VcpuFrame.Rip, 0xfff0n);
  });

  function executeInBios(code: string, isWrite = 0): AccessStatus {
    Buffer.from(code, "hex").copy(parts.ram, 0xffff0);
    parts.setFrame(VcpuFrame.CodeMode, CODE_MODE_16);
    return parts.exports.executeMemoryAccess(0, DEVICE, isWrite);
  }

  test("fetches the instruction at CS:IP", () => {
    parts.setRegister(0, 0x11n);
    expect(executeInBios("26a30003", 1)).toBe(AccessStatus.Done); // mov %ax, %es:0x300
    expect(writes).toEqual([DEVICE]);
    expect(parts.frame(VcpuFrame.Rip)).toBe(0xfff4n);
  });

  test("moves words between a device and ES:DI", () => {
    parts.setSegment(SEGMENT.es, { base: 0x20000n, limit: 0xffff, rights: 0x93 });
    parts.setSegment(SEGMENT.fs, { base: DEVICE & ~0xffffn, limit: 0xffff, rights: 0x93 });
    parts.setRegister(RSI, DEVICE & 0xffffn);
    parts.setRegister(RDI, 0x1234n);
    parts.setRegister(1, 3n);
    expect(executeInBios("f364a5")).toBe(AccessStatus.Done); // rep movsw %fs:(%si), %es:(%di)
    expect(parts.ram.subarray(0x21234, 0x2123a).toString("hex")).toBe("a500a500a500");
    expect([parts.register(RSI), parts.register(RDI), parts.register(1)]).toEqual([(DEVICE & 0xffffn) + 6n, 0x123an, 0n]);
  });

  test("a word at offset FFFF is #GP", () => {
    parts.setSegment(SEGMENT.es, { base: 0x20000n, limit: 0xffff, rights: 0x93 });
    parts.setSegment(SEGMENT.ds, { base: DEVICE & ~0xffffn, limit: 0xffff, rights: 0x93 });
    parts.setRegister(RDI, 0xffffn);
    expect(executeInBios("a5")).toBe(AccessStatus.GuestFault);
    expect(parts.frame(VcpuFrame.CodeMode)).toBe(GENERAL_PROTECTION);
  });
});
