// The order in which a partition's devices are reset and its memory is cleared, at its start, restart and end.

import { beforeEach, describe, expect, test } from "vitest";
import { FunctionMailbox, Mailbox } from "../../../monitor/interface.ts";
import { EXPRESS_TYPE } from "../machine/pci-capabilities.ts";
import { Stopped } from "../machine/machine.ts";
import { compileKernel } from "./kernel-machine.ts";
import { DISK_BAR, DISK_TABLE, startedWithDevices, type DeviceMachine, type DeviceOptions } from "./assignment-machine.ts";
import { addBridge, addCard, linesOf } from "./device-functions.ts";

const LAUNCH = 1;
const RESUME = 0;
const BUS_MASTER = 4;
const CONFIG_DATA = 0xcfc;
const SECRET = 0xdead_beefn;
const AT = 0x5000;
const OWNERS: DeviceOptions["partitions"] = [{ pci: [{ device: "00:04.0" }], health: { fault: "restart" } }];

beforeEach(() => void compileKernel(), 240_000);

/** What the guest's write to configuration space leaves in the mailbox. */
function guestWrites(machine: DeviceMachine, values: Partial<Record<"Command" | "Reset", number>>): number {
  machine.answer("portWrite", () => {
    const { mailbox } = machine.monitor;
    if (values.Command !== undefined) mailbox.setUint32(Mailbox.Functions + FunctionMailbox.Command, values.Command, true);
    if (values.Reset !== undefined) mailbox.setUint32(Mailbox.Functions + FunctionMailbox.Reset, values.Reset, true);
    return undefined;
  });
  return machine.exit("IO_INSTRUCTION", { EXIT_QUALIFICATION: (BigInt(CONFIG_DATA) << 16n) | 3n });
}

function secret(machine: DeviceMachine): bigint {
  return machine.memory.read(Number(machine.memoryBase(0)) + AT, 8);
}

/** What `look` sees when the disk is reset. */
function atReset<T>(machine: DeviceMachine, look: () => T): T[] {
  const seen: T[] = [];
  const reset = machine.disk.reset.bind(machine.disk);
  machine.disk.reset = (kind) => {
    seen.push(look());
    reset(kind);
  };
  return seen;
}

function entry(machine: DeviceMachine, index: number): bigint[] {
  return [0, 4, 8, 12].map((offset) => machine.memory.read(DISK_BAR + DISK_TABLE + 16 * index + offset, 4));
}

describe("a restart", () => {
  test("resets the function before it clears the memory that the function could still write", async () => {
    const machine = await startedWithDevices({ partitions: OWNERS });
    machine.memory.write(Number(machine.memoryBase(0)) + AT, 8, SECRET);
    guestWrites(machine, { Command: 7 });
    const seen = atReset(machine, () => ({ secret: secret(machine), master: machine.disk.bytes.readUInt16LE(4) & BUS_MASTER }));
    expect(machine.exit("TRIPLE_FAULT")).toBe(LAUNCH);
    expect(seen).toEqual([{ secret: SECRET, master: 0 }]);
    expect(secret(machine)).toBe(0n);
  });

  test("leaves the function without bus mastering, with the kernel's messages as before", async () => {
    const machine = await startedWithDevices({ partitions: OWNERS });
    const before = [0, 1, 2, 3].map((index) => entry(machine, index));
    guestWrites(machine, { Command: 7 });
    machine.memory.write(DISK_BAR + DISK_TABLE, 8, 0n);
    machine.exit("TRIPLE_FAULT");
    expect(machine.disk.bytes.readUInt16LE(4) & BUS_MASTER).toBe(0);
    expect([0, 1, 2, 3].map((index) => entry(machine, index))).toEqual(before);
    const { address, data } = { address: Number(before[0]![0]), data: Number(before[0]![2]) };
    expect(machine.unit.message(0x20, address, data)).toEqual({ vector: 0x50, destination: 0 });
    expect(machine.disk.bytes.readUInt16LE(machine.disk.offset(0x11) + 2) & 0xc000).toBe(0x8000);
  });

  test("with a function that does not come back: the partition stops, its memory is not given to a new run", async () => {
    const machine = await startedWithDevices({ partitions: OWNERS });
    machine.disk.busyReads = 1_000_000;
    expect(() => machine.exit("TRIPLE_FAULT")).toThrow(Stopped);
    expect(linesOf(machine, "partition guest0 stopped")).toEqual(["partition guest0 stopped: its device could not be reset"]);
    expect(machine.monitorCalls("start")).toHaveLength(1);
  });

  test("the guest may start DMA again afterwards", async () => {
    const machine = await startedWithDevices({ partitions: OWNERS });
    guestWrites(machine, { Command: 7 });
    machine.exit("TRIPLE_FAULT");
    machine.monitor.mailbox.setUint32(Mailbox.Functions + FunctionMailbox.Command, 0, true);
    guestWrites(machine, { Command: 7 });
    expect(machine.disk.bytes.readUInt16LE(4) & BUS_MASTER).toBe(BUS_MASTER);
  });
});

describe("the guest", () => {
  test("resets its function: bus mastering off, messages programmed again, no other function touched", async () => {
    const machine = await startedWithDevices({ partitions: OWNERS });
    guestWrites(machine, { Command: 7 });
    expect(guestWrites(machine, { Command: 0, Reset: 1 })).toBe(RESUME);
    expect(machine.disk.resets).toEqual(["FLR", "FLR"]);
    expect(machine.disk.bytes.readUInt16LE(4) & BUS_MASTER).toBe(0);
    expect(machine.disk.bytes.readUInt16LE(machine.disk.offset(0x11) + 2) & 0xc000).toBe(0x8000);
    expect(machine.card.resets).toEqual([]);
    guestWrites(machine, { Reset: 1 }); // the same request is not carried out again
    expect(machine.disk.resets).toHaveLength(2);
  });

  test("changes no other bit of the command register", async () => {
    const machine = await startedWithDevices({ partitions: OWNERS });
    const before = machine.disk.bytes.readUInt16LE(4);
    guestWrites(machine, { Command: 0xffff });
    expect(machine.disk.bytes.readUInt16LE(4)).toBe(before | BUS_MASTER);
    guestWrites(machine, { Command: 0 });
    expect(machine.disk.bytes.readUInt16LE(4)).toBe(before);
  });
});

test("a function that only its bus can reset is reset by the bridge above it", async () => {
  const resets: string[][] = [];
  const machine = await startedWithDevices({
    partitions: [{ pci: [{ device: "01:00.0" }], health: { fault: "restart" } }],
    pci: (pci) => {
      addBridge(pci, "00:1c.0", 1, EXPRESS_TYPE.rootPort);
      resets.push(addCard(pci, "01:00.0", { type: EXPRESS_TYPE.endpoint, reset: false }).resets);
    },
  });
  expect(resets[0]).toEqual(["bus"]);
  expect(machine.exit("TRIPLE_FAULT")).toBe(LAUNCH);
  expect(resets[0]).toEqual(["bus", "bus"]);
});

test("a function without a reset is not reset, but loses bus mastering before the memory is cleared", async () => {
  const machine = await startedWithDevices({ partitions: [{ pci: [{ device: "00:06.0", withoutReset: true }], health: { fault: "restart" } }] });
  guestWrites(machine, { Command: 4 });
  const page = 0xb000_0000 + 0x30 * 4096;
  expect(machine.memory.read(page + 4, 2) & BigInt(BUS_MASTER)).toBe(BigInt(BUS_MASTER));
  expect(machine.exit("TRIPLE_FAULT")).toBe(LAUNCH);
  expect(machine.memory.read(page + 4, 2) & BigInt(BUS_MASTER)).toBe(0n);
});
