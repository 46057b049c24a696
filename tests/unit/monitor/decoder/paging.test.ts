// Fetching instructions and operands through the guest's page tables.

import { beforeAll, describe, expect, test } from "vitest";
import { AccessStatus, VcpuFrame } from "../../../../monitor/interface.ts";
import { compileParts } from "../parts.ts";
import {
  ACCESSED, CODE_MODE_32, CODE_MODE_64, CR0_PAGING, CR0_WP, CR4_LA57, CR4_PAE, CR4_PSE, CR4_SMAP, CR4_SMEP, DIRECTORY, DIRTY,
  ERROR, FIRST_PAGE, Guest, index, LARGE, LINEAR, longModeGuest, NO_EXECUTE, PAGE_TABLE, PDPT, PML4, PRESENT, RFLAGS_AC,
  SECOND_PAGE, TABLE, USER, USER_MODE, VALUE, WRITABLE,
} from "./paged-guest.ts";

const LOAD = "488b03"; // mov (%rbx), %rax
const LOAD_32 = "8b03"; // mov (%ebx), %eax
const MOVE_FROM_DEVICE = "a5"; // movsl

let module: WebAssembly.Module;

beforeAll(async () => {
  module = await compileParts();
}, 60_000);

describe("translation", () => {
  test("by four levels", () => {
    const guest = longModeGuest(module);
    guest.code(FIRST_PAGE + 0x123n, LOAD);
    expect(guest.executeAt(LINEAR + 0x123n)).toBe(AccessStatus.Done);
    expect(guest.parts.register(0)).toBe(VALUE);
    expect(guest.parts.frame(VcpuFrame.Rip)).toBe(LINEAR + 0x126n);
  });

  test("by five levels", () => {
    const guest = longModeGuest(module, { cr4: CR4_LA57 });
    guest.entry(0x5000n + ((LINEAR >> 48n) & 511n) * 8n, PML4 | TABLE);
    guest.parts.setFrame(VcpuFrame.Cr3, 0x5000n);
    guest.code(FIRST_PAGE, LOAD);
    expect(guest.executeAt(LINEAR)).toBe(AccessStatus.Done);
  });

  test("by a page of 2 MiB and of 1 GiB", () => {
    const guest = longModeGuest(module);
    guest.entry(DIRECTORY + index(21n), 0x200000n | TABLE | LARGE);
    guest.code(0x200000n + (LINEAR & 0x1fffffn), LOAD);
    expect(guest.executeAt(LINEAR)).toBe(AccessStatus.Done);

    const giant = longModeGuest(module);
    giant.entry(PDPT + index(30n), TABLE | LARGE);
    giant.code(0x234000n, LOAD);
    expect(giant.executeAt((LINEAR & ~0x3fffffffn) | 0x234000n)).toBe(AccessStatus.Done);
  });

  test("by PAE", () => {
    const guest = new Guest(module, CR0_PAGING, 0x1fe0n, CR4_PAE, 0n, CODE_MODE_32);
    guest.entry(0x1fe0n + 3n * 8n, DIRECTORY | PRESENT);
    guest.entry(DIRECTORY + ((0xc0123000n >> 21n) & 511n) * 8n, PAGE_TABLE | TABLE);
    guest.entry(PAGE_TABLE + ((0xc0123000n >> 12n) & 511n) * 8n, FIRST_PAGE | TABLE);
    guest.code(FIRST_PAGE + 0x10n, LOAD_32);
    expect(guest.executeAt(0xc0123010n)).toBe(AccessStatus.Done);
    expect(guest.parts.register(0)).toBe(VALUE & 0xffffffffn);
  });

  test("by two levels, and by a page of 4 MiB", () => {
    const guest = new Guest(module, CR0_PAGING, 0x1000n, CR4_PSE, 0n, CODE_MODE_32);
    guest.entry32(0x1000n + (0xc0123000n >> 22n) * 4n, PAGE_TABLE | TABLE);
    guest.entry32(PAGE_TABLE + ((0xc0123000n >> 12n) & 1023n) * 4n, FIRST_PAGE | TABLE);
    guest.entry32(0x1000n + (0x08000000n >> 22n) * 4n, TABLE | LARGE);
    guest.code(FIRST_PAGE + 0x10n, LOAD_32);
    expect(guest.executeAt(0xc0123010n)).toBe(AccessStatus.Done);
    guest.code(0x23450n, LOAD_32);
    expect(guest.executeAt(0x08023450n)).toBe(AccessStatus.Done);
  });

  test("without paging", () => {
    const guest = new Guest(module, 1n, 0n, 0n, 0n, CODE_MODE_32);
    guest.code(0x5000n, LOAD_32);
    expect(guest.executeAt(0x5000n)).toBe(AccessStatus.Done);
  });

  test("ends when tables lie outside the partition's memory", () => {
    const guest = longModeGuest(module);
    guest.parts.setFrame(VcpuFrame.Cr3, 0x7ffff000n);
    expect(guest.executeAt(LINEAR)).toBe(AccessStatus.GuestFault); // all ones forbid execution
  });
});

describe("an instruction across two pages", () => {
  test.each([1, 2])("with %i bytes on the first", (bytes) => {
    const guest = longModeGuest(module);
    guest.code(FIRST_PAGE + 0x1000n - BigInt(bytes), LOAD.slice(0, 2 * bytes));
    guest.code(SECOND_PAGE, LOAD.slice(2 * bytes));
    expect(guest.executeAt(LINEAR + 0x1000n - BigInt(bytes))).toBe(AccessStatus.Done);
    expect(guest.parts.register(0)).toBe(VALUE);
  });

  test("faults when the second is not mapped", () => {
    const guest = longModeGuest(module, { second: 0n });
    guest.code(FIRST_PAGE + 0xffen, LOAD);
    expect(guest.executeAt(LINEAR + 0xffen)).toBe(AccessStatus.GuestFault);
    expect(guest.fault).toEqual({ address: LINEAR + 0x1000n, error: ERROR.fetch });
    expect(guest.parts.frame(VcpuFrame.Rip)).toBe(LINEAR + 0xffen);
  });

  test("does not touch the second if it ends on the first", () => {
    const guest = longModeGuest(module, { second: 0n });
    guest.code(FIRST_PAGE + 0xffdn, LOAD);
    expect(guest.executeAt(LINEAR + 0xffdn)).toBe(AccessStatus.Done);
  });

  test("faults when the second may not be executed", () => {
    const guest = longModeGuest(module, { second: TABLE | NO_EXECUTE });
    guest.code(FIRST_PAGE + 0xfffn, LOAD);
    expect(guest.executeAt(LINEAR + 0xfffn)).toBe(AccessStatus.GuestFault);
    expect(guest.fault.error).toBe(ERROR.fetch | ERROR.present);
  });
});

/** MOVS from the device to LINEAR + 0x1000, whose page has the rights under test; code is at LINEAR. */
function moveTo(second: bigint, extra: { cr4?: bigint; codeMode?: bigint; cr0?: bigint; first?: bigint; flags?: bigint; offset?: bigint } = {}): Guest {
  const guest = longModeGuest(module, { second, ...extra });
  guest.code(FIRST_PAGE, MOVE_FROM_DEVICE);
  guest.parts.setFrame(VcpuFrame.Rflags, extra.flags ?? 0n);
  guest.parts.setRegister(6, LINEAR + 0x2300n);
  guest.parts.setRegister(7, LINEAR + 0x1000n + (extra.offset ?? 0x10n));
  return guest;
}

describe("the other operand of MOVS", () => {
  test("is written, and its page marked accessed and dirty", () => {
    const guest = moveTo(TABLE);
    expect(guest.executeAt(LINEAR)).toBe(AccessStatus.Done);
    expect(guest.read(SECOND_PAGE + 0x10n)).toBe(VALUE & 0xffffffffn);
    expect(guest.read(PAGE_TABLE + index(12n) + 8n)).toBe(SECOND_PAGE | TABLE | ACCESSED | DIRTY);
    expect(guest.read(PAGE_TABLE + index(12n))).toBe(FIRST_PAGE | TABLE | ACCESSED);
  });

  test("may lie on two pages", () => {
    const guest = moveTo(TABLE, { offset: -2n });
    expect(guest.executeAt(LINEAR)).toBe(AccessStatus.Done);
    expect(guest.parts.ram.readUInt16LE(Number(FIRST_PAGE) + 0xffe)).toBe(0x7788);
    expect(guest.parts.ram.readUInt16LE(Number(SECOND_PAGE))).toBe(0x5566);
  });

  test.each([
    { name: "not present", second: 0n, error: ERROR.write },
    { name: "read-only", second: PRESENT | USER, error: ERROR.write | ERROR.present },
    { name: "the supervisor's, for a user", second: PRESENT | WRITABLE, codeMode: CODE_MODE_64 | USER_MODE, error: ERROR.write | ERROR.present | ERROR.user },
    { name: "the user's, with SMAP", second: TABLE, first: PRESENT | WRITABLE, cr4: CR4_SMAP, error: ERROR.write | ERROR.present },
  ])("faults and changes nothing when it is $name", ({ error, ...rest }) => {
    const guest = moveTo(rest.second, rest);
    expect(guest.executeAt(LINEAR)).toBe(AccessStatus.GuestFault);
    expect(guest.fault).toEqual({ address: LINEAR + 0x1010n, error });
    expect(guest.parts.frame(VcpuFrame.Rip)).toBe(LINEAR);
    expect(guest.parts.register(7)).toBe(LINEAR + 0x1010n);
    expect(guest.read(SECOND_PAGE + 0x10n)).toBe(0n);
  });

  test("is written to a read-only page by a supervisor without CR0.WP", () => {
    const guest = moveTo(PRESENT, { cr0: CR0_PAGING & ~CR0_WP });
    expect(guest.executeAt(LINEAR)).toBe(AccessStatus.Done);
  });

  test("is written to a user's page with SMAP while AC is set", () => {
    const guest = moveTo(TABLE, { cr4: CR4_SMAP, flags: RFLAGS_AC });
    expect(guest.executeAt(LINEAR)).toBe(AccessStatus.Done);
  });
});

test("SMEP keeps a supervisor from executing a user's page", () => {
  const guest = longModeGuest(module, { cr4: CR4_SMEP });
  guest.code(FIRST_PAGE, LOAD);
  expect(guest.executeAt(LINEAR)).toBe(AccessStatus.GuestFault);
});
