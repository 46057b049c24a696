// PUSH, POP, CALL, JMP, RET, ENTER and LEAVE by way of device memory (SDM 2A, 2B).

import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { AccessStatus, VcpuFrame } from "../../../../monitor/interface.ts";
import { compileParts } from "../parts.ts";
import { DEVICE_PAGE, FIRST_PAGE, Guest, index, LINEAR, longModeGuest, PAGE_TABLE, SECOND_PAGE } from "./paged-guest.ts";

const DEVICE_LINEAR = LINEAR + 0x2000n;
/** In RAM at SECOND_PAGE. */
const STACK = LINEAR + 0x1800n;
const STACK_PLACE = Number(SECOND_PAGE) + 0x800;
const TARGET = 0x1234_5678n;
const RSP = 4;

let module: WebAssembly.Module;
let guest: Guest;
let written: [bigint, number, bigint][];

beforeAll(async () => {
  module = await compileParts();
}, 240_000);

beforeEach(() => {
  guest = longModeGuest(module);
  written = [];
  guest.parts.bus = { ...guest.parts.bus, memoryRead: (_gpa, size) => BigInt.asUintN(size * 8, TARGET), memoryWrite: (gpa, size, value) => void written.push([gpa, size, value]) };
  guest.parts.setRegister(3, DEVICE_LINEAR + 8n);
  guest.parts.setRegister(RSP, STACK);
});

function execute(code: string): AccessStatus {
  guest.code(FIRST_PAGE, code);
  return guest.executeAt(LINEAR, DEVICE_PAGE + 8n);
}

const rip = (): bigint => guest.parts.frame(VcpuFrame.Rip);
const rsp = (): bigint => guest.parts.register(RSP);

describe("in 64-bit code", () => {
  test.each([["push (%rbx)", "ff33", 8n], ["pushw (%rbx)", "66ff33", 2n]])("%s", (_name, code, size) => {
    guest.parts.ram.fill(0x55, STACK_PLACE - 16, STACK_PLACE);
    expect(execute(code)).toBe(AccessStatus.Done);
    expect([rsp(), rip()]).toEqual([STACK - size, LINEAR + BigInt(code.length / 2)]);
    expect(guest.parts.ram.readUIntLE(STACK_PLACE - Number(size), 2)).toBe(0x5678);
    expect(guest.parts.ram.readUInt8(STACK_PLACE - Number(size) - 1)).toBe(0x55);
  });

  test("pop (%rbx)", () => {
    guest.parts.ram.writeBigUInt64LE(0xabcdn, STACK_PLACE);
    expect(execute("8f03")).toBe(AccessStatus.Done);
    expect(written).toEqual([[DEVICE_PAGE + 8n, 8, 0xabcdn]]);
    expect([rsp(), rip()]).toEqual([STACK + 8n, LINEAR + 2n]);
  });

  test("pop 0x7f8(%rsp) counts from RSP after the POP", () => {
    expect(execute("8f8424f8070000")).toBe(AccessStatus.Done);
    expect(written).toEqual([[DEVICE_PAGE, 8, 0n]]);
  });

  test("call *(%rbx)", () => {
    expect(execute("ff13")).toBe(AccessStatus.Done);
    expect([rsp(), rip()]).toEqual([STACK - 8n, TARGET]);
    expect(guest.parts.ram.readBigUInt64LE(STACK_PLACE - 8)).toBe(LINEAR + 2n);
  });

  test("jmp *(%rbx)", () => {
    expect(execute("ff23")).toBe(AccessStatus.Done);
    expect([rsp(), rip()]).toEqual([STACK, TARGET]);
  });

  test("a stack on the device, the operand in RAM", () => {
    guest.parts.setRegister(RSP, DEVICE_LINEAR + 16n);
    guest.parts.setRegister(3, STACK);
    guest.parts.ram.writeBigUInt64LE(0x77n, STACK_PLACE);
    expect(execute("ff33")).toBe(AccessStatus.Done);
    expect(written).toEqual([[DEVICE_PAGE + 8n, 8, 0x77n]]);
  });
});

describe("a stack on the device, and nothing else there", () => {
  const RAX = 0;
  const RBP = 5;
  const R9 = 9;
  const TOP = DEVICE_LINEAR + 0x100n;
  const place = (distance: bigint): bigint => DEVICE_PAGE + 0x100n + distance;

  beforeEach(() => {
    guest.parts.setRegister(RSP, TOP);
    guest.parts.setRegister(RAX, 0xaaaa_bbbb_cccc_ddddn);
    guest.parts.setRegister(RBP, TOP + 0x10n);
    guest.parts.setRegister(R9, 0x9999n);
  });

  test.each<[string, string, bigint, bigint]>([
    ["push %rax", "50", 8n, 0xaaaa_bbbb_cccc_ddddn],
    ["push %r9", "4151", 8n, 0x9999n],
    ["push %rsp", "54", 8n, TOP],
    ["push %ax", "6650", 2n, 0xddddn],
    ["push $-7", "6af9", 8n, BigInt.asUintN(64, -7n)],
    ["pushw $-7", "666af9", 2n, 0xfff9n],
    ["push $-0x12345678", "6888a9cbed", 8n, BigInt.asUintN(64, -0x12345678n)],
    ["call", "e8f0ffffff", 8n, LINEAR + 5n],
    ["enter $0x20, $0", "c8200000", 8n, TOP + 0x10n],
  ])("%s", (name, code, size, value) => {
    expect(execute(code)).toBe(AccessStatus.Done);
    expect(written).toEqual([[place(-size), Number(size), value]]);
    const isEnter = name.startsWith("enter");
    expect(rsp()).toBe(TOP - size - (isEnter ? 0x20n : 0n));
    expect(guest.parts.register(RBP)).toBe(isEnter ? TOP - size : TOP + 0x10n);
    expect(rip()).toBe(LINEAR + BigInt(code.length / 2) - (name === "call" ? 0x10n : 0n));
  });

  test.each<[string, string, number, bigint, bigint]>([
    ["pop %rax", "58", RAX, TARGET, 8n],
    ["pop %r9", "4159", R9, TARGET, 8n],
    ["pop %ax", "6658", RAX, 0xaaaa_bbbb_cccc_5678n, 2n],
    ["leave", "c9", RBP, TARGET, 0x18n],
  ])("%s", (_name, code, register, value, distance) => {
    expect(execute(code)).toBe(AccessStatus.Done);
    expect([guest.parts.register(register), rsp(), rip()]).toEqual([value, TOP + distance, LINEAR + BigInt(code.length / 2)]);
  });

  test("pop %rsp keeps what it read", () => {
    expect(execute("5c")).toBe(AccessStatus.Done);
    expect(rsp()).toBe(TARGET);
  });

  test.each<[string, string, bigint]>([["ret", "c3", 8n], ["ret $0x10", "c21000", 0x18n]])("%s", (_name, code, distance) => {
    expect(execute(code)).toBe(AccessStatus.Done);
    expect([rip(), rsp()]).toEqual([TARGET, TOP + distance]);
  });

  test("a nested ENTER is not known", () => expect(execute("c8200001")).toBe(AccessStatus.Undecodable));

  test("RET to an address that is not canonical: #GP", () => {
    guest.parts.bus = { ...guest.parts.bus, memoryRead: () => 1n << 48n };
    expect(execute("c3")).toBe(AccessStatus.GuestFault);
    expect([guest.parts.frame(VcpuFrame.CodeMode) >> 32n, rsp(), rip()]).toEqual([13n, TOP, LINEAR]);
  });
});

describe("what faults leaves all as it was", () => {
  test.each([["call", "ff13"], ["jmp", "ff23"]])("%s to an address that is not canonical: #GP", (_name, code) => {
    guest.parts.bus = { ...guest.parts.bus, memoryRead: () => 1n << 48n };
    expect(execute(code)).toBe(AccessStatus.GuestFault);
    expect([guest.parts.frame(VcpuFrame.CodeMode) >> 32n, rsp(), rip()]).toEqual([13n, STACK, LINEAR]);
  });

  test.each([["push", "ff33"], ["call", "ff13"], ["pop", "8f03"]])("%s with a stack that is not mapped: #PF", (_name, code) => {
    guest.entry(PAGE_TABLE + index(12n) + 8n, 0n);
    expect(execute(code)).toBe(AccessStatus.GuestFault);
    expect(guest.fault.address).toBe(code === "8f03" ? STACK : STACK - 8n);
    expect([rsp(), rip(), written.length]).toEqual([STACK, LINEAR, 0]);
  });

  test("an operand of a far CALL is not known", () => {
    expect(execute("ff1b")).toBe(AccessStatus.Undecodable);
    expect(execute("fe33")).toBe(AccessStatus.Undecodable);
  });
});
