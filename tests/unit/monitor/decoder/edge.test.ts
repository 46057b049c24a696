// Operands of which a part is on a device's page and the other on another page.

import { beforeAll, describe, expect, test } from "vitest";
import { AccessStatus, VcpuFrame } from "../../../../monitor/interface.ts";
import { compileParts } from "../parts.ts";
import {
  DEVICE_PAGE, ERROR, FIRST_PAGE, Guest, index, LINEAR, longModeGuest, PAGE_TABLE, PRESENT, SECOND_PAGE, TABLE, USER,
} from "./paged-guest.ts";

const MEMORY_TO_DEVICE = LINEAR + 0x2000n;
const DEVICE_TO_MEMORY = LINEAR + 0x3000n;
const STORE_32 = "8903"; // mov %eax, (%rbx)
const READ_32 = "8b03"; // mov (%rbx), %eax
const SET_BIT = "0fba2b00"; // btsl $0, (%rbx)
const TEST_BIT = "0fba2300"; // btl $0, (%rbx)

let module: WebAssembly.Module;

beforeAll(async () => {
  module = await compileParts();
}, 60_000);

/** An instruction at LINEAR whose operand at (%rbx) is 2 bytes before `edge`, and what the device is written in order. */
function acrossEdge(code: string, edge: bigint, extra: Parameters<typeof longModeGuest>[1] = {}): { guest: Guest; gpa: bigint; writes: [bigint, number, bigint][] } {
  const guest = longModeGuest(module, extra);
  const writes: [bigint, number, bigint][] = [];
  guest.parts.bus = { ...guest.parts.bus, memoryRead: (gpa) => gpa & 0xffn, memoryWrite: (gpa, size, value) => void writes.push([gpa, size, value]) };
  guest.code(FIRST_PAGE, code);
  guest.parts.setRegister(0, 0x44332211n);
  guest.parts.setRegister(3, edge - 2n);
  return { guest, gpa: edge === MEMORY_TO_DEVICE ? DEVICE_PAGE : DEVICE_PAGE + 0xffen, writes };
}

describe("a division that does not come out is #DE, and nothing changes", () => {
  test.each<[string, string, bigint, bigint, bigint]>([
    ["by 0", "f733", 0n, 1n, 0n], // div dword [rbx]
    ["quotient of 33 bits", "f733", 2n, 0n, 2n],
    ["least number by -1", "f73b", 0xffff_ffffn, 0x8000_0000n, 0xffff_ffffn], // idiv
    ["positive quotient of 32 bits", "f73b", 1n, 0x8000_0000n, 0n],
    ["byte", "f633", 1n, 0x100n, 0n],
    ["of 128 bits", "48f733", 5n, 0n, 5n],
  ])("%s", (_name, code, divisor, low, high) => {
    const guest = longModeGuest(module);
    guest.parts.bus = { ...guest.parts.bus, memoryRead: () => divisor };
    guest.code(FIRST_PAGE, code);
    guest.parts.setRegister(0, low);
    guest.parts.setRegister(2, high);
    guest.parts.setRegister(3, MEMORY_TO_DEVICE);
    expect(guest.executeAt(LINEAR, DEVICE_PAGE)).toBe(AccessStatus.GuestFault);
    expect([guest.parts.frame(VcpuFrame.CodeMode), guest.parts.register(0), guest.parts.register(2), guest.parts.frame(VcpuFrame.Rip)]).toEqual([0n, low, high, LINEAR]);
  });
});

test("a vector register keeps what it had where the device refuses half of the operand", () => {
  const guest = longModeGuest(module);
  guest.parts.vectors.fill(0x5a);
  guest.parts.bus = {
    ...guest.parts.bus,
    memoryRead: (gpa) => {
      if (gpa !== DEVICE_PAGE) guest.parts.answer(AccessStatus.GeneralProtection);
      return 0x1234n;
    },
  };
  guest.code(FIRST_PAGE, "0f1003"); // movups xmm0, [rbx]
  guest.parts.setRegister(3, MEMORY_TO_DEVICE);
  expect(guest.executeAt(LINEAR, DEVICE_PAGE)).toBe(AccessStatus.GeneralProtection);
  expect(guest.parts.vectors.every((byte) => byte === 0x5a)).toBe(true);
  expect(guest.parts.frame(VcpuFrame.Rip)).toBe(LINEAR);
});

describe("an operand across the edge of a device's page", () => {
  test("is written in parts: RAM first", () => {
    const { guest, gpa, writes } = acrossEdge(STORE_32, MEMORY_TO_DEVICE);
    expect(guest.executeAt(LINEAR, gpa)).toBe(AccessStatus.Done);
    expect(guest.parts.ram.readUInt16LE(Number(SECOND_PAGE) + 0xffe)).toBe(0x2211);
    expect(writes).toEqual([[DEVICE_PAGE, 1, 0x33n], [DEVICE_PAGE + 1n, 1, 0x44n]]);
  });

  test("is written in parts: the device first", () => {
    const { guest, gpa, writes } = acrossEdge(STORE_32, DEVICE_TO_MEMORY);
    guest.entry(PAGE_TABLE + index(12n) + 24n, SECOND_PAGE | TABLE);
    expect(guest.executeAt(LINEAR, gpa)).toBe(AccessStatus.Done);
    expect(guest.parts.ram.readUInt16LE(Number(SECOND_PAGE))).toBe(0x4433);
    expect(writes).toEqual([[DEVICE_PAGE + 0xffen, 1, 0x11n], [DEVICE_PAGE + 0xfffn, 1, 0x22n]]);
  });

  test("is read in parts", () => {
    const { guest, gpa } = acrossEdge(READ_32, MEMORY_TO_DEVICE);
    guest.parts.ram.writeUInt16LE(0xbbaa, Number(SECOND_PAGE) + 0xffe);
    expect(guest.executeAt(LINEAR, gpa)).toBe(AccessStatus.Done);
    expect(guest.parts.register(0)).toBe(0x0100bbaan);
  });

  test.each([
    { name: "a store to a page that is not there", code: STORE_32, second: 0n, error: ERROR.write },
    { name: "a load from a page that is not there", code: READ_32, second: 0n, error: 0n },
    { name: "a change on a read-only page", code: SET_BIT, second: PRESENT | USER, error: ERROR.write | ERROR.present },
  ])("is the guest's fault before anything is done: $name", ({ code, second, error }) => {
    const { guest, gpa, writes } = acrossEdge(code, MEMORY_TO_DEVICE, { second });
    expect(guest.executeAt(LINEAR, gpa)).toBe(AccessStatus.GuestFault);
    expect(guest.fault).toEqual({ address: LINEAR + 0x1ffen, error });
    expect(writes).toEqual([]);
    expect(guest.parts.register(0)).toBe(0x44332211n);
  });

  test("faults at the start of the second page when that is not there", () => {
    const { guest, gpa, writes } = acrossEdge(STORE_32, DEVICE_TO_MEMORY);
    expect(guest.executeAt(LINEAR, gpa)).toBe(AccessStatus.GuestFault);
    expect(guest.fault).toEqual({ address: DEVICE_TO_MEMORY, error: ERROR.write });
    expect(writes).toEqual([]);
  });

  test("that is only read may lie on a read-only page", () => {
    const { guest, gpa } = acrossEdge(TEST_BIT, MEMORY_TO_DEVICE, { second: PRESENT | USER });
    expect(guest.executeAt(LINEAR, gpa)).toBe(AccessStatus.Done);
  });

  test("is on the open bus if one part is", () => {
    const { guest, gpa } = acrossEdge(STORE_32, MEMORY_TO_DEVICE);
    guest.parts.bus.memoryWrite = (at) => void (at === DEVICE_PAGE && guest.parts.answer(AccessStatus.OpenBus));
    expect(guest.executeAt(LINEAR, gpa)).toBe(AccessStatus.OpenBus);
    expect(guest.parts.frame(VcpuFrame.Rip)).toBe(LINEAR + 2n);
  });

  test("stops at the byte that the device refuses", () => {
    const { guest, gpa, writes } = acrossEdge(STORE_32, MEMORY_TO_DEVICE);
    guest.parts.bus.memoryWrite = (gpa, size, value) => {
      writes.push([gpa, size, value]);
      guest.parts.answer(AccessStatus.GeneralProtection);
    };
    expect(guest.executeAt(LINEAR, gpa)).toBe(AccessStatus.GeneralProtection);
    expect(writes).toHaveLength(1);
    expect(guest.parts.frame(VcpuFrame.Rip)).toBe(LINEAR);
  });
});
