// Memory BARs of assigned functions: which are refused, and where the others appear in the partition.

import { beforeEach, describe, expect, test } from "vitest";
import { FunctionMailbox, Mailbox, PCI_WINDOW_BASE } from "../../../monitor/interface.ts";
import * as acpi from "../machine/acpi-tables.ts";
import { IO_APIC, LOCAL_APIC } from "../machine/machine.ts";
import { eptLeaves } from "../machine/page-walker.ts";
import { EXPRESS_TYPE, express, msi } from "../machine/pci-capabilities.ts";
import { ECAM, type SimulatedPci } from "../machine/pci.ts";
import { compileKernel } from "./kernel-machine.ts";
import { CARD_BAR, startedWithDevices, UNIT } from "./assignment-machine.ts";
import { refusals } from "./device-functions.ts";

const MEMORY_64 = 4;
const RESERVED_TYPE = 6;
const GIB = 1 << 30;
const HPET = 0xfed0_0000;
const FREE = 0xfe02_0000;
const OWNER = [{ pci: [{ device: "00:07.0" }] }];

beforeEach(() => void compileKernel(), 240_000);

interface BarOptions { index?: number; size: number; address: number; flags?: number }

function withBars(...bars: BarOptions[]): (pci: SimulatedPci) => void {
  return (pci) => {
    const target = pci.add("00:07.0");
    for (const { index, size, address, flags } of bars) target.bar(index ?? 0, size, address, flags);
    msi(express(target, EXPRESS_TYPE.integrated, { flr: true }));
  };
}

describe("refused", () => {
  const MACHINE = "firmware put it over memory or registers of the machine itself";

  test.each([
    ["RAM", 0x1000, 0x800_0000],
    ["the end of RAM", 0x20_0000, 0xfe0_0000],
    ["video memory", 0x1000, 0xa_0000],
    ["a VT-d unit", 0x1000, UNIT],
    ["a VT-d unit that is smaller than the BAR", 0x2_0000, 0xfed8_0000],
    ["the first bus of the ECAM", 0x1000, ECAM.base],
    ["the last bus of the ECAM", 0x1000, ECAM.base + 0x1f_f000],
    ["the I/O APIC", 0x100, IO_APIC],
    ["the HPET", 0x1000, HPET],
    ["the local APIC", 0x1000, LOCAL_APIC],
    ["the last address of interrupt messages", 0x1000, 0xfeef_f000],
  ])("over %s", async (_, size, address) => {
    const pci = withBars({ size, address, flags: MEMORY_64 });
    expect(await refusals({ partitions: OWNER, pci, tables: [acpi.hpet(HPET)] })).toEqual([`device 00:07.0 of guest0: BAR 0: ${MACHINE}`]);
  });

  test("over addresses that wrap", async () => {
    const wrapping = (pci: SimulatedPci): void => {
      const target = msi(express(pci.add("00:07.0"), EXPRESS_TYPE.integrated, { flr: true }));
      // Its last GiB ends at 2^64.
      for (const bytes of [target.bytes, target.writable]) {
        bytes.writeUInt32LE(0xc000_0000, 0x10);
        bytes.writeUInt32LE(0xffff_ffff, 0x14);
      }
      target.bytes[0x10] = MEMORY_64;
    };
    expect(await refusals({ partitions: OWNER, pci: wrapping })).toEqual([`device 00:07.0 of guest0: BAR 0: ${MACHINE}`]);
  });

  test("without an address", async () => {
    const pci = withBars({ index: 2, size: 0x1000, address: 0 });
    expect(await refusals({ partitions: OWNER, pci })).toEqual(["device 00:07.0 of guest0: BAR 2: firmware gave it no address"]);
  });

  test.each([
    ["a small BAR", { size: 0x100, address: CARD_BAR + 0x800 }],
    ["a large one around it", { size: 0x1_0000, address: CARD_BAR }],
  ])("in a page with another function's: %s", async (_, bar) => {
    const line = `device 00:07.0 of guest0: BAR 0: shares the page at 0x0000${CARD_BAR.toString(16)} with 00:05.0`;
    expect(await refusals({ partitions: OWNER, pci: withBars(bar) })).toEqual([line]);
  });

  test("in a page with one of another function of the same partition", async () => {
    const partitions = [{ pci: [{ device: "00:05.0" }, { device: "00:07.0" }] }];
    expect(await refusals({ partitions, pci: withBars({ size: 0x100, address: CARD_BAR + 0x800 }) })).toEqual([
      `device 00:05.0 of guest0: BAR 0: shares the page at 0x0000${CARD_BAR.toString(16)} with 00:07.0`,
      `device 00:07.0 of guest0: BAR 0: shares the page at 0x0000${CARD_BAR.toString(16)} with 00:05.0`,
    ]);
  });

  test("larger than the partition's window, alone or with others", async () => {
    const line = (bar: number): string => `device 00:07.0 of guest0: BAR ${bar}: the partition's PCI window of 1,003 MiB has no room for it`;
    const alone = withBars({ size: GIB, address: 8 * GIB, flags: MEMORY_64 });
    expect(await refusals({ partitions: OWNER, pci: alone })).toEqual([line(0)]);
    const three = withBars(...[0, 2, 4].map((index) => ({ index, size: GIB / 2, address: (16 + index) * GIB, flags: MEMORY_64 })));
    expect(await refusals({ partitions: OWNER, pci: three })).toEqual([line(2)]);
  });

  test.each([
    ["a reserved type", { size: 0x1000, address: FREE, flags: RESERVED_TYPE }],
    ["a 64-bit BAR without an upper half", { index: 5, size: 0x1000, address: FREE, flags: MEMORY_64 }],
  ])("that no BAR can be: %s", async (_, bar) => {
    const line = "device 00:07.0 of guest0: a BAR states a size that no BAR can have (PCI 3.0 6.2.5.1)";
    expect(await refusals({ partitions: OWNER, pci: withBars(bar) })).toEqual([line]);
  });
});

test("BARs below a page keep their offset in it, large and 64-bit ones lie at multiples of their size", async () => {
  const bars = [
    { index: 0, size: 0x100, address: FREE + 0x300 },
    { index: 2, size: 0x20_0000, address: 8 * GIB, flags: MEMORY_64 },
    { index: 4, size: 0x1000, address: FREE + 0x4000 },
  ];
  const machine = await startedWithDevices({ partitions: OWNER, pci: withBars(...bars) });
  const leaves = eptLeaves(machine.memory, machine.vmcs("EPT_POINTER") & ~0xfffn).filter(({ from }) => from >= BigInt(PCI_WINDOW_BASE));
  expect(leaves.map(({ from, to, size }) => [from - BigInt(PCI_WINDOW_BASE), to, size])).toEqual([
    [0n, BigInt(FREE), 0x1000n],
    [0x20_0000n, BigInt(8 * GIB), 0x20_0000n],
    [0x40_0000n, BigInt(FREE + 0x4000), 0x1000n],
  ]);
  expect(machine.monitor.mailbox.getBigUint64(Mailbox.Functions + FunctionMailbox.Bars, true)).toBe(BigInt(PCI_WINDOW_BASE) + 0x300n);
});
