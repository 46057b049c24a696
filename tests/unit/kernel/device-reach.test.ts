// After the seal a core reaches only what its page tables map. Everything that the kernel does about devices then must get by
// with that: what is missing is a page fault in the kernel on hardware.

import { beforeEach, describe, expect, test } from "vitest";
import { FunctionMailbox, Mailbox } from "../../../monitor/interface.ts";
import { capability, extendedCapability } from "../machine/remapping-capability.ts";
import { Stopped } from "../machine/machine.ts";
import { EXPRESS_TYPE, addressTranslation, advancedFeatures } from "../machine/pci-capabilities.ts";
import { PhysicalMemory } from "../machine/physical-memory.ts";
import { drhd, rmrr } from "../drivers/dmar-table.ts";
import { compileKernel, type KernelMachine } from "./kernel-machine.ts";
import { CARD, DISK, machineWithDevices, TOY, UNIT, type DeviceMachine, type DeviceOptions } from "./assignment-machine.ts";
import { bothCores, mailbox, tablesOf } from "./device-cores.ts";
import { addBridge, addCard } from "./device-functions.ts";
import { guardedMemory } from "./guarded-memory.ts";

const MIB = 1n << 20n;
const LAUNCH = 1;
const RESUME = 0;
const SECOND = 2_000_000_000n;
const CONFIG_DATA = 0xcfc;
const INTERRUPT_COMMAND = 0x830;

beforeEach(() => void compileKernel(), 240_000);

function owners(device: "restart" | "stop"): DeviceOptions["partitions"] {
  const health = { device, fault: "restart" as const, restartLimit: 100 };
  return [{ pci: [{ device: "00:04.0" }], health }, { pci: [{ device: "00:05.0" }], health }];
}

/** Core 0, which after loadPageTables has its own tables. */
async function startedGuarded(options: DeviceOptions): Promise<DeviceMachine> {
  let machine: DeviceMachine | undefined;
  let leaves: ReturnType<typeof tablesOf> | undefined;
  const memory = guardedMemory(new PhysicalMemory(), () => {
    if (machine?.bootCalls.some((call) => call.startsWith("loadPageTables")) === true) leaves ??= tablesOf(machine, 0);
    return leaves;
  });
  machine = await machineWithDevices({ ...options, memory });
  expect(machine.boot(), machine.text).toBe("enterGuest");
  return machine;
}

function guestWrites(machine: KernelMachine, field: FunctionMailbox, value: number): number {
  machine.answer("portWrite", () => {
    machine.monitor.mailbox.setUint32(Mailbox.Functions + field, value, true);
    return undefined;
  });
  return machine.exit("IO_INSTRUCTION", { EXIT_QUALIFICATION: (BigInt(CONFIG_DATA) << 16n) | 3n });
}

function storm(machine: DeviceMachine, source: number): void {
  for (let n = 0n; n < 60n; n++) machine.unit.dma(source, (5n + n) * MIB, 8, true);
}

const MODES: [string, Omit<DeviceOptions, "partitions">][] = [
  ["legacy mode", { unit: { capability: capability({ faultRecords: 64 }) } }],
  ["caching mode", { unit: { capability: capability({ faultRecords: 64, cachingMode: true }) } }],
  ["scalable mode", { remapping: "scalable", unit: { capability: capability({ faultRecords: 64 }), extended: extendedCapability({ scalable: true }) } }],
];

test("the guard finds what is not mapped", async () => {
  const machine = await startedGuarded({ partitions: owners("restart") });
  machine.memory.write(Number(machine.plan) + 0x38, 8, 0x700_0000n); // the device reports, elsewhere
  machine.unit.dma(DISK, 5n * MIB, 8, true);
  expect(() => machine.faultInterrupt()).toThrow("page fault: read of physical address 0x7000000");
});

describe.each(MODES)("core 0 in %s", (_, options) => {
  test("takes faults of all sources and switches storms off, on its own and for other cores", async () => {
    const machine = await startedGuarded({ partitions: owners("restart"), ...options });
    for (const source of [CARD, TOY, 0, 0x4000]) {
      storm(machine, source);
      expect(machine.faultInterrupt()).toBe(RESUME);
    }
    storm(machine, DISK);
    expect(machine.faultInterrupt()).toBe(LAUNCH);
    expect(machine.unit.deviceWrite(DISK, 0x1000n, Buffer.from("data"))).toBe(true);
    expect(machine.unit.protocolErrors).toEqual([]);
  });

  test("masks a unit and looks after it", async () => {
    const machine = await startedGuarded({ partitions: [{}, { pci: [{ device: "00:05.0" }] }], ...options });
    for (let n = 0; n < 200; n++) machine.unit.message(CARD, 0xfee0_0000, 0x41);
    machine.faultInterrupt();
    for (const end of [machine.clock.now + SECOND / 10n, machine.clock.now + 2n * SECOND]) {
      while (machine.clock.now < end) machine.clock.advance();
      expect(machine.exit("VMX_PREEMPTION_TIMER")).toBe(RESUME);
    }
  });

  test("carries out what its guest asks of its function, takes its messages, restarts and ends", async () => {
    const machine = await startedGuarded({ partitions: owners("stop"), ...options });
    guestWrites(machine, FunctionMailbox.Command, 7);
    guestWrites(machine, FunctionMailbox.Reset, 1);
    machine.externalInterrupt(0x51);
    expect(machine.monitorCalls("deviceMessage")).toEqual([[0, 0, 1]]);
    expect(machine.exit("TRIPLE_FAULT")).toBe(LAUNCH);
    machine.unit.dma(DISK, 5n * MIB, 8, true);
    expect(() => machine.faultInterrupt()).toThrow(Stopped);
    expect(machine.disk.resets).toHaveLength(4);
  });
});

test("core 0 switches off and attaches a device with a TLB of its own, behind a port, beside reserved memory", async () => {
  const machine = await startedGuarded({
    partitions: [{ pci: [{ device: "01:00.0", deviceTlb: true, reservedMemory: true }], health: { device: "restart" } }],
    dmar: [drhd(UNIT, ["ioapic #0 ff:0.0"], { flags: 1 }), rmrr(0x80_0000n, 0x80_0fffn, ["bridge 0:1c.0"]), { type: "ATSR", flags: 1, segment: 0, scopes: [] }],
    unit: { capability: capability({ faultRecords: 64 }), extended: extendedCapability({ deviceTlb: true }) },
    pci: (pci) => {
      addBridge(pci, "00:1c.0", 1, EXPRESS_TYPE.rootPort);
      addressTranslation(addCard(pci, "01:00.0", { type: EXPRESS_TYPE.endpoint, reset: false }));
    },
  });
  storm(machine, 0x100);
  expect(machine.faultInterrupt()).toBe(LAUNCH);
  expect(machine.unit.deviceTlbDma(0x100, 0x1000n, true).blocked).toBeUndefined();
});

describe("core 1", () => {
  const guarded = (options: DeviceOptions): ReturnType<typeof bothCores> => bothCores(options, (memory, leaves) => guardedMemory(memory, () => leaves));

  test("starts, carries out what its guest asks, takes messages, restarts after a storm and ends", async () => {
    const { first, second } = await guarded({ partitions: owners("restart"), ...MODES[0]![1] });
    guestWrites(second, FunctionMailbox.Command, 7);
    guestWrites(second, FunctionMailbox.Reset, 1);
    second.exit("EXTERNAL_INTERRUPT", { VM_EXIT_INTERRUPTION_INFORMATION: 0x8000_0050n });
    expect(second.monitorCalls("deviceMessage")).toEqual([[0, 0, 0]]);
    storm(first, CARD);
    first.faultInterrupt();
    const send = second.processor.msrWriters.get(INTERRUPT_COMMAND)!;
    second.processor.msrWriters.set(INTERRUPT_COMMAND, (value) => {
      send(value);
      mailbox(first);
    });
    expect(mailbox(second)).toBe(LAUNCH);
    expect(first.card.resets).toHaveLength(3);
    expect(second.exit("TRIPLE_FAULT")).toBe(LAUNCH);
  });

  test.each<[string, number | "none", boolean]>([
    ["by its bus", EXPRESS_TYPE.endpoint, false],
    ["behind a bridge of conventional PCI", "none", true],
  ])("resets a function %s", async (_, type, advanced) => {
    const resets: string[][] = [];
    const { second } = await guarded({
      partitions: [{}, { pci: [{ device: "01:00.0" }], health: { fault: "restart" } }],
      pci: (pci) => {
        addBridge(pci, "00:1c.0", 1, type === "none" ? "none" : EXPRESS_TYPE.rootPort);
        const card = addCard(pci, "01:00.0", { type, reset: false });
        if (advanced) advancedFeatures(card);
        resets.push(card.resets);
      },
    });
    expect(second.exit("TRIPLE_FAULT")).toBe(LAUNCH);
    expect(resets[0]).toHaveLength(2);
  });
});
