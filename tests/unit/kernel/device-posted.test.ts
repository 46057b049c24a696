// Messages of assigned functions where the unit can post (CAP.PI): hardware collects them in the owner's descriptor, and
// one notification brings all that came meanwhile.

import { beforeEach, expect, test } from "vitest";
import { capability } from "../machine/remapping-capability.ts";
import { enumReader } from "../machine/source-enums.ts";
import { CARD, DISK, DISK_BAR, DISK_TABLE, startedWithDevices, type DeviceMachine } from "./assignment-machine.ts";
import { tablesOf } from "./device-cores.ts";
import { compileKernel } from "./kernel-machine.ts";

const NOTIFICATION = 0x42;
const FIRST_VECTOR = 0x50;
const DESCRIPTOR_CONTROL = 32;
const DIRECT_BASE = 0xffff_8000_0000_0000n;
const OWNERS = [{ pci: [{ device: "00:04.0" }] }, { pci: [{ device: "8086:10d3" }] }];

const planPartition = enumReader("kernel/partition/plan.ts", "PlanPartition");

let machine: DeviceMachine;
beforeEach(async () => {
  await compileKernel();
  machine = await startedWithDevices({ partitions: OWNERS, unit: { capability: capability({ posted: true }) } });
}, 240_000);

function descriptorOf(partition: number): bigint {
  return machine.memory.read(Number(machine.plan) + 4096 + partition * planPartition("Size") + planPartition("PostedDescriptor"), 8);
}

/** The disk sends message `entry`; what the unit makes of it. */
function send(source: number, entry: number): ReturnType<DeviceMachine["unit"]["message"]> {
  const at = DISK_BAR + DISK_TABLE + 16 * entry;
  return machine.unit.message(source, Number(machine.memory.read(at, 4)), Number(machine.memory.read(at + 8, 4)));
}

/** Sets a vector's bit in PIR, which no message of the partition's devices could. */
function forge(vector: number): void {
  const word = Number(descriptorOf(0)) + 4 * (vector >> 5);
  machine.memory.write(word, 4, machine.memory.read(word, 4) | (1n << BigInt(vector & 31)));
}

test("each message is posted under its vector, in the descriptor of its owner", () => {
  for (let entry = 0; entry < 4; entry++) expect(send(DISK, entry)).toEqual({ vector: NOTIFICATION, destination: 0, posted: descriptorOf(0) });
  expect(send(CARD, 0)).toMatchObject({ blocked: 0x26 });
  expect(descriptorOf(1)).not.toBe(descriptorOf(0));
});

test("one notification brings all messages that came meanwhile to the monitor, and leaves none behind", () => {
  for (const message of [3, 0, 2]) send(DISK, message);
  machine.externalInterrupt(NOTIFICATION);
  expect(machine.monitorCalls("deviceMessage")).toEqual([[0, 0, 0], [0, 0, 2], [0, 0, 3]]);
  expect(machine.memory.readBytes(Number(descriptorOf(0)), 36).readUInt32LE(DESCRIPTOR_CONTROL) & 1).toBe(0);
  machine.externalInterrupt(NOTIFICATION);
  expect(machine.monitorCalls("deviceMessage")).toHaveLength(3);
});

test("a bit that no message of the partition has is dropped", () => {
  forge(FIRST_VECTOR + 4);
  forge(0xff);
  machine.externalInterrupt(NOTIFICATION);
  expect(machine.monitorCalls("deviceMessage")).toEqual([]);
});

test("a core maps the descriptor of its own partition and no other", () => {
  const mapped = (core: number): bigint[] => tablesOf(machine, core).map(({ from }) => from);
  for (const [core, other] of [[0, 1], [1, 0]] as const) {
    expect(mapped(core)).toContain(BigInt.asUintN(64, DIRECT_BASE + descriptorOf(core)));
    expect(mapped(core)).not.toContain(BigInt.asUintN(64, DIRECT_BASE + descriptorOf(other)));
  }
});
