// Storms of faults: the source is switched off, the partition's next run has its device again, and what core 0 was not told
// by an interrupt its housekeeping finds.

import { beforeEach, describe, expect, test } from "vitest";
import { capability, extendedCapability } from "../machine/remapping-capability.ts";
import { Stopped } from "../machine/machine.ts";
import { enumReader } from "../machine/source-enums.ts";
import { compileKernel } from "./kernel-machine.ts";
import type { PartitionOptions } from "./kernel-options.ts";
import { CARD, DISK, machineWithDevices, startedWithDevices, type DeviceMachine, type DeviceOptions } from "./assignment-machine.ts";
import { attachedGeneration, bothCores, mailbox, violationsReported } from "./device-cores.ts";
import { linesOf } from "./device-functions.ts";

const MIB = 1n << 20n;
const LAUNCH = 1;
const FECTL = 0x38;
const MASKED = 1n << 31n;
const SECOND = 2_000_000_000n;
const INTERRUPT_COMMAND = 0x830;
const NOT_PRESENT = 0x2;
const DATA = Buffer.from("bulkhead");

const fixed = enumReader("kernel/memory/layout.ts", "Fixed");

beforeEach(() => void compileKernel(), 240_000);

function owners(device: "ignore" | "restart" | "stop"): [PartitionOptions, PartitionOptions] {
  return [{ pci: [{ device: "00:04.0" }], health: { device } }, { pci: [{ device: "00:05.0" }], health: { device } }];
}
const MODES: [string, Omit<DeviceOptions, "partitions">][] = [
  ["legacy mode", { unit: { capability: capability({ faultRecords: 64 }) } }],
  ["caching mode", { unit: { capability: capability({ faultRecords: 64, cachingMode: true }) } }],
  ["scalable mode", { remapping: "scalable", unit: { capability: capability({ faultRecords: 64 }), extended: extendedCapability({ scalable: true }) } }],
];

/** Faults one after another, with an interrupt for each event of the unit. */
function storm(machine: DeviceMachine, fault: (n: bigint) => void, count: number): void {
  for (let n = 0; n < count; n++) {
    fault(BigInt(n));
    if (machine.unit.faults.events.splice(0).length !== 0) machine.faultInterrupt();
  }
}

function passTime(machine: DeviceMachine, counts: bigint): void {
  const end = machine.clock.now + counts;
  while (machine.clock.now < end) machine.clock.advance();
}

describe.each(MODES)("a source with too many faults in %s", (_, options) => {
  test("1000 faults: switched off with few lines, its other requests are blocked without a record, others go on", async () => {
    const machine = await startedWithDevices({ partitions: owners("ignore"), ...options });
    storm(machine, (n) => void machine.unit.dma(DISK, (5n + n) * MIB, 8, true), 1000);
    expect(linesOf(machine, "vtd unit 0: 00:04.0 of guest0: switched off")).toEqual(["vtd unit 0: 00:04.0 of guest0: switched off after 33 faults in a second"]);
    expect(linesOf(machine, "vtd unit 0: ").length).toBeLessThan(12);
    expect(violationsReported(machine, 0)).toBe(33);
    expect(machine.unit.deviceWrite(DISK, 0x1000n, DATA)).toBe(false);
    expect(machine.unit.faults.events).toEqual([]);
    expect(machine.unit.deviceWrite(CARD, 0x1000n, DATA)).toBe(true);
    expect(machine.unit.protocolErrors).toEqual([]);
  });

  test("recorded before core 0 looked: its partition starts anew, with its device attached again after the reset", async () => {
    const machine = await startedWithDevices({ partitions: owners("restart"), ...options });
    for (let n = 0n; n < 60n; n++) machine.unit.dma(DISK, (5n + n) * MIB, 8, true);
    const blockedAtReset: (number | undefined)[] = [];
    const reset = machine.disk.reset.bind(machine.disk);
    machine.disk.reset = (kind) => {
      blockedAtReset.push(machine.unit.dma(DISK, 0x1000n, 8, true).blocked);
      reset(kind);
    };
    expect(machine.faultInterrupt()).toBe(LAUNCH);
    expect(blockedAtReset).toEqual([machine.unit.root.isScalable ? 0x41 : NOT_PRESENT]);
    expect(linesOf(machine, "partition guest0 restarts")).toHaveLength(1);
    expect(attachedGeneration(machine, 0)).toBe(1);
    expect(machine.unit.deviceWrite(DISK, 0x1000n, DATA)).toBe(true);
    expect(machine.memory.readBytes(Number(machine.memoryBase(0)) + 0x1000, DATA.length)).toEqual(DATA);
    // Its faults are recorded again.
    machine.unit.dma(DISK, 5n * MIB, 8, true);
    expect(machine.faultInterrupt()).toBe(LAUNCH);
    expect(machine.unit.protocolErrors).toEqual([]);
  });
});

describe("the partition of another core", () => {
  test("has core 0 attach its device again", async () => {
    const { first, second } = await bothCores({ partitions: owners("restart"), ...MODES[0]![1] });
    for (let n = 0n; n < 60n; n++) first.unit.dma(CARD, (5n + n) * MIB, 8, true);
    first.faultInterrupt();
    expect(first.unit.deviceWrite(CARD, 0x1000n, DATA)).toBe(false);
    // Core 0 answers while core 1 waits for it.
    const send = second.processor.msrWriters.get(INTERRUPT_COMMAND)!;
    second.processor.msrWriters.set(INTERRUPT_COMMAND, (value) => {
      send(value);
      mailbox(first);
    });
    expect(mailbox(second)).toBe(LAUNCH);
    expect(attachedGeneration(first, 1)).toBe(1);
    expect(first.unit.deviceWrite(CARD, 0x1000n, DATA)).toBe(true);
    expect(first.text).not.toContain("core 0 did not answer");
  });

  test("goes on without its device if core 0 does not answer, and says so", async () => {
    const { first, second } = await bothCores({ partitions: owners("restart"), ...MODES[0]![1] });
    for (let n = 0n; n < 60n; n++) first.unit.dma(CARD, (5n + n) * MIB, 8, true);
    first.faultInterrupt();
    const before = second.clock.now;
    expect(mailbox(second)).toBe(LAUNCH);
    expect(second.clock.now - before).toBeLessThan(2n * SECOND);
    expect(first.unit.deviceWrite(CARD, 0x1000n, DATA)).toBe(false);
    mailbox(first);
    expect(linesOf(first, "partition guest1: core 0 did not answer")).toEqual(["partition guest1: core 0 did not answer, devices that were switched off stay so"]);
    // The request stands.
    expect(first.unit.deviceWrite(CARD, 0x1000n, DATA)).toBe(true);
  });
});

describe("housekeeping", () => {
  const housekeeping = (machine: DeviceMachine): number => machine.exit("VMX_PREEMPTION_TIMER");
  const isMasked = (machine: DeviceMachine): boolean => (machine.unit.read(FECTL, 4) & MASKED) !== 0n;

  test("drains a unit whose interrupts are masked, and unmasks it after a second", async () => {
    const machine = await startedWithDevices({ partitions: [owners("ignore")[0], owners("stop")[1]] });
    // Interrupts go on when the source's DMA is switched off.
    storm(machine, () => void machine.unit.message(DISK, 0xfee0_0000, 0x41), 200);
    expect(isMasked(machine)).toBe(true);
    expect(linesOf(machine, "vtd unit 0: too many faults")).toEqual(["vtd unit 0: too many faults, its fault interrupts are masked"]);
    machine.faultInterrupt();

    machine.unit.dma(CARD, 5n * MIB, 8, true);
    expect(machine.unit.faults.events).toEqual([]);
    passTime(machine, SECOND / 50n);
    machine.localApic.commands.length = 0;
    housekeeping(machine);
    expect(violationsReported(machine, 1)).toBe(1);
    expect(machine.localApic.commands.map(({ apicId }) => apicId)).toEqual([1]);
    expect(isMasked(machine)).toBe(true);

    passTime(machine, SECOND + SECOND / 10n);
    housekeeping(machine);
    expect(isMasked(machine)).toBe(false);
    machine.unit.dma(CARD, 5n * MIB, 8, true);
    expect(machine.unit.faults.events).toHaveLength(1);
  });

  test("goes on where core 0 runs no partition: it does not sleep while a unit is masked", async () => {
    const machine = await machineWithDevices({ cores: 2, partitions: [{ core: 1, pci: [{ device: "00:04.0" }] }] });
    let sleeps = 0;
    machine.onIdle = () => {
      expect(isMasked(machine)).toBe(false);
      if (++sleeps > 200) throw new Stopped("idle");
      machine.unit.message(DISK, 0xfee0_0000, 0x41);
      if (machine.unit.faults.events.splice(0).length !== 0) machine.view.setBigUint64(fixed("PendingVectors") + 8, 1n << 1n, true);
    };
    expect(machine.boot()).toBe("idle");
    expect(linesOf(machine, "vtd unit 0: too many faults")).toEqual(["vtd unit 0: too many faults, its fault interrupts are masked"]);
    expect(machine.clock.now).toBeGreaterThan(SECOND);
  });

  test("takes what came while core 0 drained the records, of which the unit tells no more", async () => {
    const partitions: DeviceOptions["partitions"] = [{}, { pci: [{ device: "00:05.0" }] }];
    const machine = await startedWithDevices({ partitions, unit: { capability: capability({ faultRecords: 2 }) } });
    const { faults } = machine.unit;
    const clear = faults.write.bind(faults);
    let more = 12;
    faults.write = (offset, size, value) => {
      clear(offset, size, value);
      if (more-- > 0) machine.unit.dma(CARD, BigInt(5 + more) * MIB, 8, true);
    };
    for (const page of [50n, 60n]) machine.unit.dma(CARD, page * MIB, 8, true);
    machine.faultInterrupt();
    passTime(machine, SECOND / 50n);
    housekeeping(machine);
    expect(violationsReported(machine, 1)).toBe(14);
    machine.unit.faults.events.length = 0;
    machine.unit.dma(CARD, 5n * MIB, 8, true);
    expect(machine.unit.faults.events).toHaveLength(1);
  });
});

test("a storm of one partition's device ends that partition alone", async () => {
  const machine = await startedWithDevices({ partitions: owners("stop"), ...MODES[0]![1] });
  for (let n = 0n; n < 60n; n++) machine.unit.dma(DISK, (5n + n) * MIB, 8, true);
  expect(() => machine.faultInterrupt()).toThrow(Stopped);
  expect(linesOf(machine, "partition guest0 stopped")).toHaveLength(1);
  expect(machine.unit.deviceWrite(CARD, 0x1000n, DATA)).toBe(true);
});
