// MSI and MSI-X.

import { beforeAll, describe, expect, test } from "vitest";
import { msi, msix } from "../../machine/pci-capabilities.ts";
import type { SimulatedFunction } from "../../machine/pci-function.ts";
import { enumReader } from "../../machine/source-enums.ts";
import { compilePci, PciMachine } from "./pci-machine.ts";

const status = enumReader("drivers/pci/msi.ts", "MessageStatus");
const entryStatus = enumReader("tests/fixtures/pci/by-index.ts", "EntryStatus");
const BAR = 0xfeb0_0000;

let module: WebAssembly.Module;
beforeAll(async () => {
  module = await compilePci();
}, 240_000);

function withFunction(prepare: (target: SimulatedFunction) => void): { machine: PciMachine; target: SimulatedFunction; page: bigint } {
  const machine = new PciMachine(module);
  const target = machine.pci.add("00:04.0");
  prepare(target);
  target.bytes[4] = 2;
  machine.driver.scanFunctions();
  return { machine, target, page: machine.pci.pageOf(target) };
}

test("a function without messages says so everywhere", () => {
  const { machine: { driver }, page } = withFunction(() => {});
  expect([driver.messageCapacity(0), driver.msiCapacity(page), driver.msixEntries(page)]).toEqual([0, 0, 0]);
  const none = status("NoCapability");
  expect([driver.programMsi(0, 0xfee0_0000n, 1), driver.enableMsi(0, true)]).toEqual([none, none]);
  expect([driver.programMsix(0, 0, 0xfee0_0000n, 1), driver.enableMsix(0, true)]).toEqual([none, none]);
  expect(driver.msixTableAddress(0)).toBe(0n);
});

describe("MSI", () => {
  test.each([
    ["32-bit", {}, 8, undefined],
    ["32-bit, maskable", { maskable: true }, 8, 12],
    ["64-bit", { wide: true }, 12, undefined],
    ["64-bit, maskable", { wide: true, maskable: true }, 12, 16],
  ])("%s: address, data and mask go where they belong", (_what, options, data, mask) => {
    const { machine: { driver }, target } = withFunction((made) => void msi(made, { ...options, capable: 3 }));
    const offset = target.offset(0x05);
    target.bytes[offset + 2]! |= 0x31;
    expect(driver.messageCapacity(0)).toBe(8);
    expect(driver.programMsi(0, 0xfee0_1004n, 0x4041)).toBe(status("Done"));
    expect(target.bytes[offset + 2]! & 0x71).toBe(0);
    expect(target.bytes.readUInt32LE(offset + 4)).toBe(0xfee0_1004);
    expect(target.bytes.readUInt16LE(offset + data)).toBe(0x4041);
    if (mask !== undefined) expect(target.bytes.readUInt32LE(offset + mask)).toBe(0);
    expect(driver.enableMsi(0, true)).toBe(status("Done"));
    expect(target.bytes[offset + 2]! & 0x71).toBe(1);
    expect(driver.enableMsi(0, false)).toBe(status("Done"));
    expect(target.bytes[offset + 2]! & 0x71).toBe(0);
  });

  test("an address above 4 GiB needs a 64-bit capability; one without it stays as it was", () => {
    const wide = withFunction((made) => void msi(made, { wide: true }));
    expect(wide.machine.driver.programMsi(0, 0x12_fee0_0000n, 1)).toBe(status("Done"));
    expect(wide.target.bytes.readUInt32LE(wide.target.offset(0x05) + 8)).toBe(0x12);
    const narrow = withFunction((made) => void msi(made));
    expect(narrow.machine.driver.programMsi(0, 0x1_fee0_0000n, 1)).toBe(status("AddressTooWide"));
    expect(narrow.target.bytes.readUInt32LE(narrow.target.offset(0x05) + 4)).toBe(0);
  });

  test.each([[0, 1], [5, 32], [6, 32], [7, 32]])("capability value %d means %d messages", (capable, messages) => {
    const { machine: { driver }, page } = withFunction((made) => void msi(made, { capable }));
    expect(driver.msiCapacity(page)).toBe(messages);
  });
});

describe("MSI-X", () => {
  const usual = (made: SimulatedFunction): void => void msix(msi(made.bar(1, 0x4000, BAR)), 16, 0x2000 | 1);

  test("an entry is masked while it changes", () => {
    const { machine } = withFunction(usual);
    const { driver, memory } = machine;
    const entry = BAR + 0x2000 + 3 * 16;
    memory.write(entry + 12, 4, 0xabcd_0001n);
    const writes: [number, bigint][] = [];
    const write = memory.write.bind(memory);
    memory.write = (address, size, value) => {
      if (address >= BAR && address < BAR + 0x4000) writes.push([address - entry, BigInt.asUintN(32, value)]);
      write(address, size, value);
    };
    expect(driver.messageCapacity(0)).toBe(16);
    expect(driver.msixTableAddress(0)).toBe(BigInt(BAR + 0x2000));
    expect(driver.programMsix(0, 3, 0x1_fee0_2000n, 0x55)).toBe(status("Done"));
    expect(writes).toEqual([[12, 0xabcd_0001n], [0, 0xfee0_2000n], [4, 1n], [8, 0x55n], [12, 0xabcd_0000n]]);
    driver.maskMsixEntry(BigInt(BAR + 0x2000), 3, true);
    expect(memory.read(entry + 12, 4)).toBe(0xabcd_0001n);
  });

  test("is switched on without the mask of the function, and off", () => {
    const { machine: { driver }, target } = withFunction(usual);
    const control = target.offset(0x11) + 2;
    target.bytes[control + 1]! |= 0x40;
    expect(driver.enableMsix(0, true)).toBe(status("Done"));
    expect(target.bytes.readUInt16LE(control)).toBe(0x800f);
    expect(driver.enableMsix(0, false)).toBe(status("Done"));
    expect(target.bytes.readUInt16LE(control)).toBe(0x000f);
  });

  test("the last entry can be set, the one after it not", () => {
    const { machine } = withFunction(usual);
    expect(machine.driver.programMsix(0, 15, 0xfee0_0000n, 1)).toBe(status("Done"));
    expect(machine.driver.programMsix(0, 16, 0xfee0_0000n, 1)).toBe(entryStatus("EntryOutOfRange"));
  });

  test("a table in a 64-bit BAR above 4 GiB, which fills it to the end", () => {
    const { machine } = withFunction((made) => void msix(made.bar(4, 0x8000, 0x38_0000_0000, 0xc), 2048, 4));
    expect(machine.driver.msixTableAddress(0)).toBe(0x38_0000_0000n);
    expect(machine.driver.programMsix(0, 2047, 0xfee0_0000n, 0x77)).toBe(status("Done"));
    expect(machine.memory.read(0x38_0000_0000 + 2047 * 16 + 8, 4)).toBe(0x77n);
  });

  test.each<[string, (made: SimulatedFunction) => void]>([
    ["beyond the end of its BAR", (made) => void msix(made.bar(0, 0x1000, BAR), 16, 0xff8)],
    ["far outside", (made) => void msix(made.bar(0, 0x1000, BAR), 1, 0xffff_f000)],
    ["one entry longer than its BAR", (made) => void msix(made.bar(0, 0x100, BAR), 17, 0)],
    ["in ports", (made) => void msix(made.bar(0, 0x1000, 0xc000, 1), 1, 0)],
    ["in a BAR that is not there", (made) => void msix(made.bar(0, 0x1000, BAR), 1, 2)],
    ["in a BAR without an address", (made) => void msix(made.bar(0, 0x1000, 0), 1, 0)],
    ["in the upper half of a BAR", (made) => void msix(made.bar(0, 0x1000, 0x38_0000_0000, 4), 1, 1)],
    ["in BAR 6", (made) => void msix(made.bar(0, 0x1000, BAR), 1, 6)],
    ["in BAR 7", (made) => void msix(made.bar(0, 0x1000, BAR), 1, 7)],
  ])("a table %s is never written", (_what, prepare) => {
    const { machine } = withFunction(prepare);
    expect(machine.driver.msixTableAddress(0)).toBe(0n);
    const pages = machine.memory.touchedPages;
    expect(machine.driver.programMsix(0, 0, 0xfee0_0000n, 1)).toBe(entryStatus("TableUnreachable"));
    expect(machine.memory.touchedPages).toBe(pages);
  });

  test("a table whose memory is not decoded is not written", () => {
    const { machine, target } = withFunction(usual);
    target.bytes[4] = 0;
    expect(machine.driver.programMsix(0, 0, 0xfee0_0000n, 1)).toBe(entryStatus("TableUnreachable"));
  });
});
