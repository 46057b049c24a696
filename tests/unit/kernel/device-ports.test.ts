// I/O BARs of assigned functions: the partition reaches exactly those ports without an exit.

import { beforeEach, describe, expect, test } from "vitest";
import { FunctionMailbox, Mailbox } from "../../../monitor/interface.ts";
import { enumReader } from "../machine/source-enums.ts";
import type { SimulatedPci } from "../machine/pci.ts";
import { compileKernel } from "./kernel-machine.ts";
import { startedWithDevices, type DeviceMachine } from "./assignment-machine.ts";
import { addCard, refusals } from "./device-functions.ts";

const IO = 1;
const planPartition = enumReader("kernel/partition/plan.ts", "PlanPartition");
const OWNERS = [{ pci: [{ device: "00:07.0" }] }, { pci: [{ device: "00:04.0" }] }];

beforeEach(() => void compileKernel(), 240_000);

function withPorts(size: number, address: number, neighbour?: number): (pci: SimulatedPci) => void {
  return (pci) => {
    addCard(pci, "00:07.0").bar(1, size, address, IO);
    if (neighbour !== undefined) addCard(pci, "00:08.0").bar(0, 0x20, neighbour, IO);
  };
}

/** Ports that a partition reaches without an exit. */
function openPorts(machine: DeviceMachine, partition: number): number[] {
  const bitmaps = machine.memory.read(Number(machine.plan) + 4096 + partition * planPartition("Size") + planPartition("IoBitmaps"), 8);
  const bytes = machine.memory.readBytes(Number(bitmaps), 8192);
  return Array.from({ length: 65536 }, (_, port) => port).filter((port) => (bytes[port >> 3]! & (1 << (port & 7))) === 0);
}

const range = (first: number, length: number): number[] => Array.from({ length }, (_, i) => first + i);

test.each([[0x20, 0xc040], [4, 0x7ffc], [4, 0x8000], [0x100, 0xff00]])("%i ports at 0x%x are open to their partition and to no other", async (size, address) => {
  const machine = await startedWithDevices({ partitions: OWNERS, pci: withPorts(size, address, 0xd000) });
  expect(openPorts(machine, 0)).toEqual(range(address, size));
  expect(openPorts(machine, 1)).toEqual([]);
});

test("the monitor is told the real ports, and that they are ports", async () => {
  const machine = await startedWithDevices({ partitions: OWNERS, pci: withPorts(0x20, 0xc040) });
  const bar = Mailbox.Functions + FunctionMailbox.Bars + 16;
  expect([machine.monitor.mailbox.getBigUint64(bar, true), machine.monitor.mailbox.getBigUint64(bar + 8, true)]).toEqual([0xc040n, 0x21n]);
});

describe("refused", () => {
  const MACHINE = "firmware put it over ports of the machine itself";

  test.each([
    ["without an address", 0x20, 0, "firmware gave it no address"],
    ["over the interrupt controllers", 0x20, 0x20, MACHINE],
    ["over a serial port", 8, 0x3f8, MACHINE],
    ["over the configuration ports", 4, 0xcf8, MACHINE],
    ["around the configuration ports", 0x100, 0xc00, MACHINE],
    ["over the PM timer", 0x10, 0x600, MACHINE],
  ])("%s", async (_, size, address, reason) => {
    expect(await refusals({ partitions: OWNERS, pci: withPorts(size, address) })).toEqual([`device 00:07.0 of guest0: BAR 1: ${reason}`]);
  });

  test("over ports of another function, given away or not", async () => {
    for (const [address, neighbour] of [[0xc040, 0xc040], [0xc000, 0xc060]] as const) {
      const pci = withPorts(address === 0xc000 ? 0x80 : 0x10, address, neighbour);
      expect(await refusals({ partitions: OWNERS, pci })).toEqual(["device 00:07.0 of guest0: BAR 1: has ports of 00:08.0 too"]);
    }
  });
});
