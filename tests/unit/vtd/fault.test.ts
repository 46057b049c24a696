import { beforeAll, describe, expect, test } from "vitest";
import { readTexts } from "../../../scripts/build/texts.ts";
import { compileRemapping, RemappingMachine } from "../machine/remapping-machine.ts";
import { capability, type RemappingOptions } from "../machine/remapping-unit.ts";
import type { RecordedFault } from "../machine/remapping-faults.ts";

const DEVICE = 0x18;
const NEIGHBOUR = 0x208;
const STRANGER = 0x1234;
const FSTS = 0x34;
const VECTOR = 0x41;

let module: WebAssembly.Module;
beforeAll(async () => {
  module = await compileRemapping();
}, 120_000);

/** 00:03.0 belongs to alpha, 02:01.0 to beta. */
function start(faultRecords = 8, options: RemappingOptions = {}): RemappingMachine {
  const machine = new RemappingMachine(module, [{ capability: capability({ faultRecords, faultOffset: 0x400 }), ...options }]);
  machine.start();
  machine.kernel.addSource(0, DEVICE, 0, 0);
  machine.kernel.addSource(0, NEIGHBOUR, 0, 1);
  machine.kernel.startFaultEvents(machine.pointer(), 0x203, VECTOR);
  return machine;
}

function record(machine: RemappingMachine, fault: Partial<RecordedFault> = {}): void {
  machine.unit.faults.record({ sourceId: DEVICE, reason: 5, address: 0x1000n, ...fault });
}

describe("one line each", () => {
  test.each<[string, Partial<RecordedFault>]>([
    ["00:03.0 of alpha: write at 0x0000000000123000 blocked: reason 0x05, no write permission", { address: 0x12_3456n, type: 0 }],
    ["00:03.0 of alpha: read at 0x0000ffff12345000 blocked: reason 0x06, no read permission", { address: 0xffff_1234_5000n, type: 2, reason: 6 }],
    ["02:01.0 of beta: atomic operation at 0x0000000000001000 blocked: reason 0x02, context entry not present", { sourceId: NEIGHBOUR, type: 3, reason: 2 }],
    ["12:06.4 of no partition: page request at 0x0000000000001000 blocked: reason 0x01, root entry not present", { sourceId: STRANGER, type: 1, reason: 1 }],
    ["00:03.0 of alpha: read at 0x0000000000001000 with PASID 0x12345 blocked: reason 0x59, PASID table entry not present", { type: 2, reason: 0x59, pasid: 0x1_2345 }],
    ["00:03.0 of alpha: interrupt of entry 4660 blocked: reason 0x26, source-id verification failed", { reason: 0x26, index: 0x1234 }],
    ["00:03.0 of alpha: interrupt blocked: reason 0x25, compatibility format interrupt blocked", { reason: 0x25, index: 0 }],
    ["00:03.0 of alpha: write at 0x0000000000001000 blocked: reason 0xfe, reserved reason", { reason: 0xfe }],
  ])("%s", (line, fault) => {
    const machine = start();
    machine.unit.faults.junk = 0xf_ffffn;
    record(machine, fault);
    expect(machine.kernel.drainFaults(machine.pointer())).toBe(1);
    expect(machine.lines).toEqual([`vtd unit 0: ${line}`]);
  });

  test("the unit and the segment are named", () => {
    const machine = new RemappingMachine(module, [{}, {}]);
    machine.kernel.addUnitAt(0xfed9_5000n, 3);
    machine.units[1]!.faults.record({ sourceId: DEVICE, reason: 1, address: 0n });
    machine.kernel.drainFaults(machine.pointer(2));
    expect(machine.lines).toEqual(["vtd unit 2: 0003:00:03.0 of no partition: write at 0x0000000000000000 blocked: reason 0x01, root entry not present"]);
  });

  test("a DMA that the unit really blocks", () => {
    const machine = start();
    expect(machine.unit.deviceWrite(DEVICE, 0x7000n, Buffer.from("x"))).toBe(false);
    machine.kernel.drainFaults(machine.pointer());
    expect(machine.lines).toEqual(["vtd unit 0: 00:03.0 of alpha: write at 0x0000000000007000 blocked: reason 0x01, root entry not present"]);
  });
});

describe("reasons", () => {
  test("every reason of the manual has a text of its own in its mode, all others are reserved", () => {
    const texts = readTexts().get("FaultReason")!;
    const known = [
      ...range(0x1, 0xe), ...range(0x20, 0x29), ...range(0x30, 0x33), ...range(0x38, 0x3a), ...range(0x40, 0x48), ...range(0x50, 0x52),
      ...range(0x58, 0x5d), ...range(0x70, 0x7d), ...range(0x80, 0x89), 0x90, 0x91,
    ];
    expect([...texts.keys()]).toEqual(known);
    const legacy = known.filter((reason) => reason < 0x30).map((reason) => texts.get(reason));
    const scalable = known.filter((reason) => reason >= 0x30).map((reason) => texts.get(reason));
    expect(new Set(legacy).size).toBe(legacy.length);
    expect(new Set(scalable).size).toBe(scalable.length);
  });

  function range(first: number, last: number): number[] {
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  }
});

describe.each([1, 8, 64, 256])("%d fault records", (faultRecords) => {
  test("all are read in the order of the faults, wherever the circle begins, and freed", () => {
    const machine = start(faultRecords);
    machine.unit.faults.startAt(faultRecords - 1);
    const count = Math.min(faultRecords, 5);
    for (let i = 0; i < count; i++) record(machine, { address: BigInt(i) << 12n });
    expect(machine.kernel.drainFaults(machine.pointer())).toBe(count);
    expect(machine.lines.map((line) => Number(/at (0x\w+)/.exec(line)![1]) >> 12)).toEqual(Array.from({ length: count }, (_, i) => i));
    expect(machine.unit.read(FSTS, 4)).toBe(0n);
    expect(machine.kernel.drainFaults(machine.pointer())).toBe(0);
    record(machine);
    expect(machine.kernel.drainFaults(machine.pointer())).toBe(1);
  });

  test("an overflow is told, cleared, and does not stop later faults", () => {
    const machine = start(faultRecords);
    for (let i = 0; i < faultRecords + 3; i++) record(machine, { sourceId: i % 2 === 0 ? DEVICE : NEIGHBOUR });
    expect(machine.unit.faults.lost).toBe(3);
    expect(machine.kernel.drainFaults(machine.pointer())).toBe(faultRecords);
    expect(machine.lines).toContain("vtd unit 0: more faults than it can record, some are lost");
    expect(machine.unit.read(FSTS, 4)).toBe(0n);
    record(machine, { sourceId: NEIGHBOUR, reason: 2 });
    expect(machine.kernel.drainFaults(machine.pointer())).toBe(1);
    expect(machine.kernel.unitFaults(0)).toBe(faultRecords + 1);
  });
});

describe("counted", () => {
  test("for the unit, the source and the partition", () => {
    const machine = start();
    [DEVICE, DEVICE, NEIGHBOUR, STRANGER].forEach((sourceId) => record(machine, { sourceId }));
    machine.kernel.drainFaults(machine.pointer());
    expect(machine.kernel.unitFaults(0)).toBe(4);
    expect([0, 1].map((source) => machine.kernel.sourceFaults(source))).toEqual([2, 1]);
    expect([0, 1, 2, 16].map((partition) => machine.kernel.violationsOf(partition))).toEqual([2, 1, 0, 0]);
    record(machine);
    machine.kernel.drainFaults(machine.pointer());
    expect(machine.kernel.violationsOf(0)).toBe(3);
  });

  test("what firmware left is discarded and counts for nobody", () => {
    const machine = new RemappingMachine(module, [{ capability: capability({ faultRecords: 2 }) }]);
    machine.start();
    machine.kernel.addSource(0, DEVICE, 0, 0);
    [1, 2, 3].forEach(() => record(machine));
    machine.kernel.startFaultEvents(machine.pointer(), 0, VECTOR);
    expect(machine.lines).toEqual(["vtd unit 0: 2 faults from before the start discarded"]);
    expect([machine.kernel.violationsOf(0), machine.kernel.unitFaults(0), machine.unit.read(FSTS, 4)]).toEqual([0, 0, 0n]);
    expect(machine.unit.faults.events).toEqual([]);
  });
});

describe("fault events", () => {
  test("one interrupt to the core, the next after the records were read", () => {
    const machine = start();
    record(machine);
    record(machine);
    expect(machine.unit.faults.events).toEqual([{ address: 0x200_fee0_3000n, data: VECTOR }]);
    machine.kernel.drainFaults(machine.pointer());
    record(machine);
    expect(machine.unit.faults.events).toHaveLength(2);
  });

  test.each([["ICE", 0x20], ["ITE", 0x40]])("a device's answer that nobody waits for (%s) does not silence the unit", (_name, bit) => {
    const machine = start();
    machine.unit.faults.raise(bit);
    expect(machine.kernel.drainFaults(machine.pointer())).toBe(0);
    record(machine);
    expect(machine.unit.faults.events).toHaveLength(2);
  });
});
