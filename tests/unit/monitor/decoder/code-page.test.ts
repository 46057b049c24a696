// The remembered translation of the code page: used only while the guest's tables say the same.

import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { AccessStatus, VcpuFrame } from "../../../../monitor/interface.ts";
import { compileParts } from "../parts.ts";
import {
  CODE_MODE_64, DIRECTORY, FIRST_PAGE, Guest, index, LINEAR, longModeGuest, NO_EXECUTE, PAGE_TABLE, PDPT, PML4, SECOND_PAGE, TABLE, USER_MODE, VALUE,
} from "./paged-guest.ts";

const LOAD_RAX = "488b03"; // mov (%rbx), %rax
const LOAD_RCX = "488b0b"; // mov (%rbx), %rcx
const SMEP = 1n << 20n;
const PAGE_SIZE = 0x1000n;

let module: WebAssembly.Module;
let guest: Guest;

beforeAll(async () => {
  module = await compileParts();
}, 60_000);

/** Two pages with different instructions; the first is the code page, and its translation is known. */
beforeEach(() => {
  guest = longModeGuest(module);
  guest.code(FIRST_PAGE, LOAD_RAX);
  guest.code(SECOND_PAGE, LOAD_RCX);
  expect(guest.executeAt(LINEAR)).toBe(AccessStatus.Done);
  expectLoaded("rax");
});

function expectLoaded(register: "rax" | "rcx"): void {
  const number = register === "rax" ? 0 : 1;
  expect([guest.parts.register(number), guest.parts.register(1 - number)]).toEqual([VALUE, 0n]);
  guest.parts.setRegister(number, 0n);
}

test("serves the same page again, and not the next one", () => {
  expect(guest.executeAt(LINEAR)).toBe(AccessStatus.Done);
  expectLoaded("rax");
  expect(guest.executeAt(LINEAR + PAGE_SIZE)).toBe(AccessStatus.Done);
  expectLoaded("rcx");
  expect(guest.executeAt(LINEAR)).toBe(AccessStatus.Done);
  expectLoaded("rax");
});

test("serves other places on the page", () => {
  guest.code(FIRST_PAGE + 0x777n, LOAD_RCX);
  expect(guest.executeAt(LINEAR + 0x777n)).toBe(AccessStatus.Done);
  expectLoaded("rcx");
});

/** A second set of tables in which LINEAR is the second page. */
const OTHER = 0x100000n;

describe.each([
  ["PML4", PML4, 39n, OTHER + 0x1000n],
  ["page-directory-pointer table", PDPT, 30n, OTHER + 0x2000n],
  ["page directory", DIRECTORY, 21n, OTHER + 0x3000n],
  ["page table", PAGE_TABLE, 12n, SECOND_PAGE],
])("an entry of the %s", (_name, table, shift, replacement) => {
  beforeEach(() => {
    guest.entry(OTHER + 0x1000n + index(30n), (OTHER + 0x2000n) | TABLE);
    guest.entry(OTHER + 0x2000n + index(21n), (OTHER + 0x3000n) | TABLE);
    guest.entry(OTHER + 0x3000n + index(12n), SECOND_PAGE | TABLE);
  });

  test("that points elsewhere", () => {
    guest.entry(table + index(shift), replacement | TABLE);
    expect(guest.executeAt(LINEAR)).toBe(AccessStatus.Done);
    expectLoaded("rcx");
  });

  test.each([
    ["is gone", 0n],
    ["forbids execution", replacement | TABLE | NO_EXECUTE],
  ])("that %s", (_what, entry) => {
    guest.entry(table + index(shift), entry);
    expect(guest.executeAt(LINEAR)).toBe(AccessStatus.GuestFault);
  });
});

test("another CR3 counts", () => {
  const root = 0x200000n;
  guest.entry(root + index(39n), (OTHER + 0x1000n) | TABLE);
  guest.entry(OTHER + 0x1000n + index(30n), (OTHER + 0x2000n) | TABLE);
  guest.entry(OTHER + 0x2000n + index(21n), (OTHER + 0x3000n) | TABLE);
  guest.entry(OTHER + 0x3000n + index(12n), SECOND_PAGE | TABLE);
  guest.parts.setFrame(VcpuFrame.Cr3, root);
  expect(guest.executeAt(LINEAR)).toBe(AccessStatus.Done);
  expectLoaded("rcx");
});

test("SMEP, switched on after, counts", () => {
  guest.parts.setFrame(VcpuFrame.Cr4, guest.parts.frame(VcpuFrame.Cr4) | SMEP);
  expect(guest.executeAt(LINEAR)).toBe(AccessStatus.GuestFault);
});

test("EFER.NXE, switched on after, counts", () => {
  const efer = guest.parts.frame(VcpuFrame.Efer);
  guest.parts.setFrame(VcpuFrame.Efer, 1n << 10n);
  guest.entry(PAGE_TABLE + index(12n), FIRST_PAGE | TABLE | NO_EXECUTE);
  expect(guest.executeAt(LINEAR)).toBe(AccessStatus.Done);
  guest.parts.setFrame(VcpuFrame.Efer, efer);
  expect(guest.executeAt(LINEAR)).toBe(AccessStatus.GuestFault);
});

test("the privilege level counts", () => {
  guest.entry(PAGE_TABLE + index(12n), FIRST_PAGE | (TABLE & ~4n));
  expect(guest.executeAt(LINEAR)).toBe(AccessStatus.Done);
  guest.parts.setFrame(VcpuFrame.CodeMode, CODE_MODE_64 | USER_MODE);
  expect(guest.executeAt(LINEAR)).toBe(AccessStatus.GuestFault);
});

test("paging switched off counts", () => {
  guest.parts.setFrame(VcpuFrame.Cr0, 1n);
  guest.code(0x4000n, LOAD_RCX);
  expect(guest.executeAt(0x4000n)).toBe(AccessStatus.Done);
  expectLoaded("rcx");
  guest.parts.setFrame(VcpuFrame.Cr0, 0x80010001n);
  expect(guest.executeAt(LINEAR)).toBe(AccessStatus.Done);
  expectLoaded("rax");
});
