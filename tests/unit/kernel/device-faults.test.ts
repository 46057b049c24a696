// What devices do outside their grants: one line each, and the health action of the partition that owns the device, on its
// own core.

import { beforeEach, describe, expect, test } from "vitest";
import { capability } from "../machine/remapping-capability.ts";
import { Stopped } from "../machine/machine.ts";
import { compileKernel } from "./kernel-machine.ts";
import { CARD, DISK, startedWithDevices, TOY, type DeviceMachine, type DeviceOptions } from "./assignment-machine.ts";
import { bothCores, MAILBOX, mailbox, violationsReported } from "./device-cores.ts";
import { linesOf } from "./device-functions.ts";

const MIB = 1n << 20n;
const RESUME = 0;
const LAUNCH = 1;
const FIXED_DELIVERY = 0x4000;

beforeEach(() => void compileKernel(), 240_000);

type Action = "ignore" | "restart" | "stop";
function owners(device: Action): DeviceOptions["partitions"] {
  return [{ pci: [{ device: "00:04.0" }], health: { device } }, { pci: [{ device: "8086:10d3" }], health: { device } }];
}

describe("the line", () => {
  test.each<[string, number, (machine: DeviceMachine) => void, string]>([
    [
      "a write", DISK, (machine) => void machine.unit.dma(DISK, 5n * MIB, 8, true),
      "00:04.0 of guest0: write at 0x0000000000500000 blocked: reason 0x05, no write permission",
    ],
    [
      "a read", CARD, (machine) => void machine.unit.dma(CARD, 5n * MIB, 8, false),
      "00:05.0 of guest1: read at 0x0000000000500000 blocked: reason 0x06, no read permission",
    ],
    [
      "beyond the width", DISK, (machine) => void machine.unit.dma(DISK, 1n << 50n, 8, false),
      "00:04.0 of guest0: read at 0x0004000000000000 blocked: reason 0x04, address beyond the width of the domain or the unit",
    ],
    [
      "the interrupt range", DISK, (machine) => void machine.unit.dma(DISK, 0xfee0_0000n, 8, false),
      "00:04.0 of guest0: read at 0x00000000fee00000 blocked: reason 0x0e, address leads into the interrupt range",
    ],
    [
      "who has no entry", TOY, (machine) => void machine.unit.dma(TOY, 0x1000n, 8, true),
      "00:06.0 of no partition: write at 0x0000000000001000 blocked: reason 0x02, context entry not present",
    ],
    [
      "a bus without functions", 0x4000, (machine) => void machine.unit.dma(0x4000, 0x1000n, 8, true),
      "40:00.0 of no partition: write at 0x0000000000001000 blocked: reason 0x01, root entry not present",
    ],
    [
      "another's interrupt", DISK, (machine) => void machine.unit.message(DISK, 0xfee0_0010 | (4 << 5), 0),
      "00:04.0 of guest0: interrupt of entry 4 blocked: reason 0x26, source-id verification failed",
    ],
    [
      "compatibility format", DISK, (machine) => void machine.unit.message(DISK, 0xfee0_0000, 0x41),
      "00:04.0 of guest0: interrupt blocked: reason 0x25, compatibility format interrupt blocked",
    ],
  ])("of %s", async (_, _source, violate, line) => {
    const machine = await startedWithDevices({ partitions: owners("ignore") });
    violate(machine);
    machine.faultInterrupt();
    expect(linesOf(machine, "vtd unit 0: ")).toEqual([`vtd unit 0: ${line}`]);
  });

  test("comes by the unit's own interrupt, which goes to core 0", async () => {
    const machine = await startedWithDevices({ partitions: owners("ignore") });
    machine.unit.dma(DISK, 5n * MIB, 8, true);
    expect(machine.unit.faults.events).toEqual([{ address: 0xfee0_0000n, data: 0x41 }]);
    machine.faultInterrupt();
    machine.unit.dma(DISK, 6n * MIB, 8, true);
    expect(machine.unit.faults.events).toHaveLength(2);
    expect(machine.unit.faults.lost).toBe(0);
  });
});

describe("a device of core 0's partition", () => {
  test("ignore: counted, and the partition goes on", async () => {
    const machine = await startedWithDevices({ partitions: owners("ignore") });
    machine.unit.dma(DISK, 5n * MIB, 8, true);
    expect(machine.faultInterrupt()).toBe(RESUME);
    expect(violationsReported(machine, 0)).toBe(1);
    expect(machine.text).not.toContain("its device tried what it may not");
    expect(machine.unit.deviceWrite(DISK, 0x1000n, Buffer.from("data"))).toBe(true);
  });

  test("stop: the partition ends, its device is reset", async () => {
    const machine = await startedWithDevices({ partitions: owners("stop") });
    machine.unit.dma(DISK, 5n * MIB, 8, true);
    expect(() => machine.faultInterrupt()).toThrow(Stopped);
    expect(linesOf(machine, "partition guest0")).toEqual([
      expect.stringContaining("starts on core 0"), "partition guest0: its device tried what it may not", "partition guest0 stopped: its device tried what it may not",
    ]);
    expect(machine.disk.resets).toHaveLength(2);
  });

  test("restart: the partition starts anew, as often as its policy allows", async () => {
    const machine = await startedWithDevices({ partitions: [{ pci: [{ device: "00:04.0" }], health: { device: "restart", restartLimit: 2 } }] });
    for (const restart of [1, 2]) {
      machine.unit.dma(DISK, 5n * MIB, 8, true);
      expect(machine.faultInterrupt()).toBe(LAUNCH);
      expect(linesOf(machine, "partition guest0 restarts")).toHaveLength(restart);
      expect(machine.disk.resets).toHaveLength(1 + restart);
    }
    machine.unit.dma(DISK, 5n * MIB, 8, true);
    expect(() => machine.faultInterrupt()).toThrow(Stopped);
    expect(machine.text).toContain("partition guest0 stopped: restarted too often");
  });

  test("the action is carried out once for all that was recorded together", async () => {
    const partitions: DeviceOptions["partitions"] = [{ pci: [{ device: "00:04.0" }], health: { device: "restart", restartLimit: 1 } }];
    const machine = await startedWithDevices({ partitions, unit: { capability: capability({ faultRecords: 8 }) } });
    for (let i = 0n; i < 5n; i++) machine.unit.dma(DISK, (5n + i) * MIB, 8, true);
    expect(machine.faultInterrupt()).toBe(LAUNCH);
    expect(linesOf(machine, "vtd unit 0: 00:04.0")).toHaveLength(5);
    expect(violationsReported(machine, 0)).toBe(5);
    expect(machine.faultInterrupt()).toBe(RESUME);
  });

  test("what nobody's device does is no partition's fault", async () => {
    const machine = await startedWithDevices({ partitions: owners("stop") });
    machine.unit.dma(TOY, 0x1000n, 8, true);
    expect(machine.faultInterrupt()).toBe(RESUME);
    expect([violationsReported(machine, 0), violationsReported(machine, 1)]).toEqual([0, 0]);
  });
});

describe("a device of another core's partition", () => {
  test("core 0 counts it and calls that core, and leaves its own partition alone", async () => {
    const machine = await startedWithDevices({ partitions: owners("stop") });
    machine.localApic.commands.length = 0;
    machine.unit.dma(CARD, 5n * MIB, 8, true);
    expect(machine.faultInterrupt()).toBe(RESUME);
    expect(machine.localApic.commands).toEqual([{ apicId: 1, command: FIXED_DELIVERY | MAILBOX }]);
    expect([violationsReported(machine, 0), violationsReported(machine, 1)]).toEqual([0, 1]);
  });

  test("stop: that core ends its partition and resets its device", async () => {
    const { first, second } = await bothCores({ partitions: owners("stop") });
    expect(mailbox(second)).toBe(RESUME); // nothing was reported
    expect(first.card.resets).toHaveLength(1);
    first.unit.dma(CARD, 5n * MIB, 8, true);
    first.faultInterrupt();
    expect(second.run(() => mailbox(second))).toBe("idle");
    expect(first.card.resets).toHaveLength(2);
    expect(first.disk.resets).toHaveLength(1);
    mailbox(first);
    expect(first.text).toContain("partition guest1 stopped: its device tried what it may not");
    expect(first.text).not.toContain("partition guest0 stopped");
  });

  test("ignore and restart", async () => {
    const ignoring = await bothCores({ partitions: owners("ignore") });
    ignoring.first.unit.dma(CARD, 5n * MIB, 8, true);
    ignoring.first.faultInterrupt();
    expect(mailbox(ignoring.second)).toBe(RESUME);

    const restarting = await bothCores({ partitions: owners("restart") });
    restarting.first.unit.dma(CARD, 5n * MIB, 8, true);
    restarting.first.faultInterrupt();
    expect(mailbox(restarting.second)).toBe(LAUNCH);
    expect(mailbox(restarting.second)).toBe(RESUME); // the same violation does not count twice
  });
});
