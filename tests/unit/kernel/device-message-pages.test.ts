// Pages with an MSI-X table or its pending bits are cut out of the BAR that the guest reaches, so that each access to them goes
// to the monitor; entries that the kernel does not use stay masked.

import { beforeEach, describe, expect, test } from "vitest";
import { FunctionMailbox, Mailbox, MAXIMUM_MESSAGES, PCI_WINDOW_BASE } from "../../../monitor/interface.ts";
import { eptLeaves } from "../machine/page-walker.ts";
import { EXPRESS_TYPE, express } from "../machine/pci-capabilities.ts";
import type { SimulatedPci } from "../machine/pci.ts";
import { compileKernel } from "./kernel-machine.ts";
import { startedWithDevices, type DeviceMachine } from "./assignment-machine.ts";

const FIRST_BAR = 0xfe10_0000;
const SECOND_BAR = 0xfe20_0000;
const BAR_SIZE = 0x1_0000;
const PAGE = 0x1000n;
const OWNER = [{ pci: [{ device: "00:07.0" }] }];

beforeEach(() => void compileKernel(), 240_000);

/** Two BARs, number 0 and 1, and MSI-X with its table and pending bits at these offsets, which hold the BAR's number. */
function withMessages(entries: number, table: number, pending: number): (pci: SimulatedPci) => void {
  return (pci) => {
    const body = Buffer.alloc(10);
    const writable = Buffer.alloc(10);
    body.writeUInt16LE(entries - 1, 0);
    writable.writeUInt16LE(0xc000, 0);
    body.writeUInt32LE(table, 2);
    body.writeUInt32LE(pending, 6);
    const target = pci.add("00:07.0").bar(0, BAR_SIZE, FIRST_BAR).bar(1, BAR_SIZE, SECOND_BAR);
    express(target, EXPRESS_TYPE.integrated, { flr: true }).capability(0x11, body, writable);
  };
}

/** Page numbers of both BARs that the guest does not reach. */
function holes(machine: DeviceMachine): [number[], number[]] {
  const mapped = new Set<bigint>();
  for (const { from, to, size } of eptLeaves(machine.memory, machine.vmcs("EPT_POINTER") & ~0xfffn)) {
    if (from >= BigInt(PCI_WINDOW_BASE)) for (let offset = 0n; offset < size; offset += PAGE) mapped.add(to + offset);
  }
  const missing = (bar: number): number[] => Array.from({ length: BAR_SIZE / 4096 }, (_, page) => page).filter((page) => !mapped.has(BigInt(bar + page * 4096)));
  return [missing(FIRST_BAR), missing(SECOND_BAR)];
}

describe("pages that the guest does not reach", () => {
  test.each<[string, number, number, number, number[], number[]]>([
    ["table and pending bits in one page", 4, 0x2000, 0x2800, [2], []],
    ["pending bits in another page", 4, 0x2000, 0x5000, [2, 5], []],
    ["pending bits before the table", 4, 0x5000, 0x2000, [2, 5], []],
    ["pending bits in another BAR", 4, 0x2000, 0x3001, [2], [3]],
    ["both in the second BAR", 4, 0x2001, 0x3001, [], [2, 3]],
    ["the first page and the last", 4, 0x0, 0xf000, [0, 15], []],
    ["a table that crosses a page", 4, 0x2fe0, 0x8000, [2, 3, 8], []],
    ["2048 entries, of which the kernel uses few", 2048, 0x1000, 0xa000, [1, 2, 3, 4, 5, 6, 7, 8, 10], []],
    ["pending bits that touch the table's pages", 2048, 0x0, 0x8000, [0, 1, 2, 3, 4, 5, 6, 7, 8], []],
    ["pending bits that lie in the table's pages", 256, 0x0, 0x0800, [0], []],
  ])("%s", async (_, entries, table, pending, first, second) => {
    const machine = await startedWithDevices({ partitions: OWNER, pci: withMessages(entries, table, pending) });
    expect(holes(machine)).toEqual([first, second]);
  });
});

test("the kernel uses as many messages as it has vectors for, and the monitor offers no more", async () => {
  const machine = await startedWithDevices({ partitions: OWNER, pci: withMessages(2048, 0x1000, 0xa000) });
  expect(machine.monitor.mailbox.getUint32(Mailbox.Functions + FunctionMailbox.MsixControl, true)).toBe(MAXIMUM_MESSAGES);
  const data = (entry: number): bigint => machine.memory.read(FIRST_BAR + 0x1000 + 16 * entry, 8);
  expect(data(MAXIMUM_MESSAGES - 1)).not.toBe(0n);
  expect(data(MAXIMUM_MESSAGES)).toBe(0n);
  expect(machine.unit.message(0x38, Number(machine.memory.read(FIRST_BAR + 0x1000 + 16 * (MAXIMUM_MESSAGES - 1), 4)), 0)).toEqual({
    vector: 0x50 + MAXIMUM_MESSAGES - 1, destination: 0,
  });
});
