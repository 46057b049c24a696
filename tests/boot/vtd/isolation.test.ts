// Translation on, by the kernel's own path, on every kind of unit that QEMU has: what the policy grants moves data; what it
// does not grant leaves memory as it was and yields exactly one line that names device, owner, access, address and reason.

import { beforeAll, describe, expect, test } from "vitest";
import type { RemappingUnit } from "../../../scripts/emulator/index.ts";
import { COMPLETE, EDU, runVtdKernel, type VtdOutput } from "../../../scripts/test-kernels/vtd-kernel.ts";

interface Configuration {
  name: string;
  unit: RemappingUnit;
  scalable?: boolean;
  levels: number;
  addressBits: number;
}

const CONFIGURATIONS: Configuration[] = [
  { name: "48 bits", unit: { addressBits: 48 }, levels: 4, addressBits: 48 },
  { name: "39 bits", unit: { addressBits: 39 }, levels: 3, addressBits: 39 },
  { name: "caching mode", unit: { addressBits: 48, cachingMode: true }, levels: 4, addressBits: 48 },
  { name: "scalable mode", unit: { addressBits: 48, scalableMode: true }, scalable: true, levels: 4, addressBits: 48 },
  { name: "scalable mode that the policy does not ask for", unit: { addressBits: 48, scalableMode: true }, levels: 4, addressBits: 48 },
  { name: "device TLBs", unit: { addressBits: 48, deviceTlb: true }, levels: 4, addressBits: 48 },
];

const ALLOWED = [
  "own memory",
  "across a page edge",
  "up to the last byte",
  "behind a PCIe root port",
  "behind a PCIe-to-PCI bridge",
  "behind a PCI bridge",
];

const NO_WRITE = "0x05, no write permission";
const NO_READ = "0x06, no read permission";
const BEYOND = "0x04, address beyond the width of the domain or the unit";
const NO_ENTRY = "0x02, context entry not present";

interface Attack {
  name: string;
  device: string;
  owner: string;
  access: "read" | "write";
  /** Page of the device address; where it depends on where the kernel's memory lies, its form. */
  page: string;
  reason: string;
  /** Observations in their order. */
  outcome: string[];
}

const KERNEL_PAGE = "0x0000000000[2-5][0-9a-f]{2}000";
const WRITTEN = ["transfer ends: yes", "memory untouched: yes"];
const ARMED_AND_WRITTEN = ["device armed: yes", ...WRITTEN];
const READ = ["transfer ends: yes", "loot delivered: yes", "nothing learnt: yes"];

const left = (name: string, access: "read" | "write", page: string, outcome: string[]): Attack => ({
  ...{ name, device: EDU.left, owner: "left", access, page, outcome },
  reason: access === "write" ? NO_WRITE : NO_READ,
});

function attacks({ addressBits }: Configuration): Attack[] {
  const beyond = `0x${((1n << BigInt(addressBits)) | 0x20000n).toString(16).padStart(16, "0")}`;
  const kernelWrite = (name: string, device: string, owner: string): Attack => ({ ...left(name, "write", KERNEL_PAGE, ARMED_AND_WRITTEN), device, owner });
  return [
    left("write to what is not mapped", "write", "0x0000000040003000", ARMED_AND_WRITTEN),
    left("read of what is not mapped", "read", "0x0000000040001000", READ),
    left("write to a read-only page", "write", "0x0000000040000000", ARMED_AND_WRITTEN),
    left("read of a write-only page", "read", "0x0000000040002000", READ),
    { ...left("beyond the width", "write", beyond, ARMED_AND_WRITTEN), reason: BEYOND },
    left("across a page edge", "write", "0x0000000040005000", ["transfer ends: yes", "first page written: yes", "second page untouched: yes"]),
    left("write to the kernel's memory", "write", KERNEL_PAGE, WRITTEN),
    left("read of the kernel's memory", "read", KERNEL_PAGE, READ),
    left("write to another partition's memory", "write", "0x0000000000800000", ARMED_AND_WRITTEN),
    left("read of another partition's memory", "read", "0x0000000000801000", READ),
    left("the byte after the partition's memory", "write", "0x0000000000200000", ARMED_AND_WRITTEN),
    kernelWrite("from behind a PCIe root port", EDU.rootPort, "right"),
    kernelWrite("from behind a PCIe-to-PCI bridge", EDU.expressBridge, "left"),
    kernelWrite("from behind a PCI bridge", EDU.bridge, "left"),
    { ...left("from a device of nobody", "write", "0x0000000000600000", WRITTEN), device: EDU.unassigned, owner: "no partition", reason: NO_ENTRY },
  ];
}

const QUEUE_ERROR = /^vtd unit 0: invalidation queue error at descriptor 0x[0-9a-f]{12}, recovered$/;
const USED = ["device armed: yes", "first write lands: yes", "taken out: yes"];
const UNMAPPED = [...USED, "invalidated: yes", "transfer ends: yes", "second write lands: no", "memory untouched: yes"];
/** Scalable mode has no registers for it: the kernel is told that the page may still be used. */
const NOT_FORGOTTEN = [...USED, "invalidated: no", "transfer ends: yes", "second write lands: yes", "memory untouched: no"];

describe.each(CONFIGURATIONS)("a unit with $name", (configuration) => {
  let output: VtdOutput;
  beforeAll(async () => {
    output = await runVtdKernel(`vtd=isolation,unmap${configuration.scalable === true ? " scalable" : ""}`, { remapping: configuration.unit });
  });

  /** A test's lines, those of the unit apart. */
  function split(name: string): { unit: string[]; observations: string[] } {
    const lines = output.section(name);
    const isUnit = (line: string): boolean => line.startsWith("vtd unit");
    return { unit: lines.filter(isUnit), observations: lines.filter((line) => !isUnit(line)) };
  }

  function faultLine(attack: Pick<Attack, "device" | "owner" | "access" | "page" | "reason">): RegExp {
    // Without a context entry no PASID is known.
    const pasid = configuration.scalable === true && attack.reason !== NO_ENTRY ? " with PASID 0x00000" : "";
    return new RegExp(`^vtd unit 0: ${attack.device} of ${attack.owner}: ${attack.access} at ${attack.page}${pasid} blocked: reason ${attack.reason}$`);
  }

  test("is used as it should be, and the kernel comes to its end", () => {
    const { scalable, levels, addressBits } = configuration;
    const expected = [`scalable tables: ${scalable === true ? "yes" : "no"}`, `table levels: ${levels}`, `address bits: ${addressBits}`];
    expect(output.section("mode")).toEqual(expected);
    expect(output.lines).toContain("vtd: translation and interrupt remapping on, every table matches the policy");
    expect(output.result.status).toBe(COMPLETE);
  });

  test.each(ALLOWED)("moves data: %s", (name) => {
    expect(output.section(`allowed: ${name}`)).toEqual(["transfers end: yes", "data moved: yes", "same address of the other partition untouched: yes"]);
  });

  test("moves data: one-way pages, in their direction", () => {
    expect(output.section("allowed: read of a read-only page")).toEqual(["transfers end: yes", "data moved: yes"]);
    expect(output.section("allowed: write to a write-only page")).toEqual(["transfer ends: yes", "data moved: yes", "next page untouched: yes"]);
  });

  test("moves data: two devices in two domains at once", () => {
    const expected = ["reads end: yes", "writes end: yes", "left has its own data: yes", "right has its own data: yes"];
    expect(output.section("allowed: two devices in two domains at once")).toEqual(expected);
  });

  test.each(attacks(configuration))("blocks and tells: $name", (attack) => {
    const { unit, observations } = split(`forbidden: ${attack.name}`);
    expect(unit).toEqual([expect.stringMatching(faultLine(attack))]);
    expect(observations).toEqual(attack.outcome);
  });

  test("blocks and tells: two devices in two domains at once", () => {
    const { unit, observations } = split("forbidden: two devices in two domains at once");
    const attack = { access: "write", reason: NO_WRITE } as const;
    expect(unit).toEqual([
      expect.stringMatching(faultLine({ ...attack, device: EDU.left, owner: "left", page: "0x0000000000800000" })),
      expect.stringMatching(faultLine({ ...attack, device: EDU.right, owner: "right", page: "0x0000000000600000" })),
    ]);
    expect(observations).toEqual(["device armed: yes", "device armed: yes", "transfers end: yes", "left untouched: yes", "right untouched: yes"]);
  });

  test("goes on using an unmapped page that it was not told to forget", () => {
    expect(output.section("unmap: tables only")).toEqual([...USED, "transfer ends: yes", "second write lands: yes", "memory untouched: no"]);
  });

  test("forgets a page that the kernel unmaps", () => {
    const { unit, observations } = split("unmap: the kernel's way");
    expect(observations).toEqual(UNMAPPED);
    expect(unit).toEqual([expect.stringMatching(faultLine(left("", "write", "0x0000000040008000", [])))]);
  });

  test.each([
    { name: "invalid descriptor", page: "0x000000004000a000", observations: ["unit reports IQE: yes", ...UNMAPPED, "IQE cleared: yes"] },
    { name: "tail outside the queue", page: "0x000000004000c000", observations: [...UNMAPPED, "no error left: yes"] },
  ])("recovers from a queue error and forgets all the same: $name", ({ name, page, observations }) => {
    const result = split(`queue: ${name}`);
    expect(result.unit).toEqual([expect.stringMatching(QUEUE_ERROR), expect.stringMatching(faultLine(left("", "write", page, [])))]);
    expect(result.observations).toEqual(observations);
  });

  test("without a queue forgets by its registers, or is known not to", () => {
    const { unit, observations } = split("registers: no queue");
    const outcome = configuration.scalable === true ? NOT_FORGOTTEN : UNMAPPED;
    expect(observations).toEqual(["queue off: yes", ...outcome, "queue on again: yes"]);
    const line = expect.stringMatching(faultLine(left("", "write", "0x000000004000e000", [])));
    expect(unit).toEqual(configuration.scalable === true ? [] : [line]);
  });

  test("restarts a queue that stands still, and counts what went wrong", () => {
    expect(output.section("queue: device TLB")).toEqual(["invalidated: yes"]);
    const expected = ["queue off: yes", "vtd unit 0: invalidation queue stood still, restarted", "invalidated: yes", "errors counted: 3"];
    expect(output.section("queue: switched off")).toEqual(expected);
  });
});
