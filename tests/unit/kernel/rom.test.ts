// The ROM of a firmware partition: whose tables map it how, and that the seal finds each way to get it wrong.

import { beforeAll, describe, expect, test } from "vitest";
import { ImageKind } from "../../../monitor/interface.ts";
import { eptLeaves, leafAt, type Leaf } from "../machine/page-walker.ts";
import { enumReader } from "../machine/source-enums.ts";
import { tablesOf } from "./device-cores.ts";
import { compileKernel, KernelMachine, type KernelModules, startedKernel } from "./kernel-machine.ts";
import type { KernelOptions } from "./kernel-options.ts";

const DIRECT_BASE = 0xffff_8000_0000_0000n;
const FOUR_GIB = 1n << 32n;
const PAGE = 4096n;
const FRAME = 0x000f_ffff_ffff_f000n;
const WRITABLE = 1n << 1n;
const EXECUTE_DISABLE = 1n << 63n;
/** Of an EPT leaf: readable, executable, write-back. */
const ROM_ATTRIBUTES = 0x35n;
const KERNEL_IMAGE = 0x20_0000n;
const ROM = Buffer.alloc(0x2_0000, "rom ");

const planPartition = enumReader("kernel/partition/plan.ts", "PlanPartition");
const reason = enumReader("kernel/boot/fatal.ts", "FatalReason");

const OPTIONS: KernelOptions = { cores: 2, partitions: [{}], image: { kind: ImageKind.Firmware, bytes: ROM } };

let module: KernelModules;
let machine: KernelMachine;

beforeAll(async () => {
  module = await compileKernel();
  machine = await startedKernel(OPTIONS);
}, 240_000);

function planned(field: string): bigint {
  return machine.memory.read(Number(machine.plan) + 4096 + planPartition(field), 8);
}

/** Leaves from the ROM's first address on, in each of the partition's two EPTs. */
function romLeaves(): Leaf[][] {
  return ["EptRoot", "ApicEptRoot"].map((root) => eptLeaves(machine.memory, planned(root)).filter(({ from }) => from >= FOUR_GIB - BigInt(ROM.length)));
}

describe("the ROM", () => {
  test("ends at 4 GiB, in frames of its own, to be read and executed only", () => {
    const base = planned("RomBase");
    for (const leaves of romLeaves()) {
      expect(leaves).toHaveLength(ROM.length / Number(PAGE));
      for (const { from, to, entry } of leaves) {
        expect([to - base, entry & 0x3fn]).toEqual([from - (FOUR_GIB - BigInt(ROM.length)), ROM_ATTRIBUTES]);
      }
    }
    expect(Buffer.from(machine.memory.readBytes(Number(base), ROM.length)).equals(ROM)).toBe(true);
  });

  test("its own core may read it, no other core reaches it", () => {
    const leaf = (core: number): Leaf | undefined => leafAt(tablesOf(machine, core), DIRECT_BASE + planned("RomBase"));
    expect(leaf(0)!.entry & (WRITABLE | EXECUTE_DISABLE)).toBe(EXECUTE_DISABLE);
    expect(leaf(1)).toBeUndefined();
  });
});

/** Boots the same system, with the first entry that `isVictim` put down as `spoil` makes it. */
function bootSpoilt(isVictim: (entry: bigint) => boolean, spoil: (entry: bigint) => bigint): KernelMachine {
  const spoilt = new KernelMachine(module, OPTIONS);
  const write = spoilt.memory.write.bind(spoilt.memory);
  let victims = 0;
  spoilt.memory.write = (address, size, value) => {
    const entry = BigInt.asUintN(64, value);
    const isFirst = size === 8 && isVictim(entry) && victims++ === 0;
    write(address, size, isFirst ? spoil(entry) : value);
  };
  expect(spoilt.boot()).toBe("halt");
  expect(victims).toBeGreaterThan(0);
  expect(spoilt.bootCalls).not.toContain("enterGuest");
  return spoilt;
}

/** Frames are given out in the same order at each boot. */
const isRomFrame = (entry: bigint): boolean => (entry & FRAME) >= planned("RomBase") && (entry & FRAME) < planned("RomBase") + BigInt(ROM.length);

describe("attack: the seal refuses an EPT whose ROM", () => {
  test.each([
    ["can be written", (entry: bigint) => entry | WRITABLE],
    ["lies in the frame behind the right one", (entry: bigint) => entry + PAGE],
    ["lies in the kernel's image", (entry: bigint) => (entry & ~FRAME) | KERNEL_IMAGE],
    ["has a page that cannot be executed", (entry: bigint) => entry & ~4n],
    ["has another memory type", (entry: bigint) => entry & ~0x38n],
    ["lacks a page", () => 0n],
  ])("%s", (_, spoil) => {
    const spoilt = bootSpoilt((entry) => isRomFrame(entry) && (entry & 0xfffn) === ROM_ATTRIBUTES, spoil);
    expect(spoilt.lines.join("\n")).toContain(`fatal ${reason("SealEpt")} on core 0: an EPT does not match the policy`);
  });
});

test("attack: the seal refuses page tables by which a core could write the ROM", () => {
  const spoilt = bootSpoilt((entry) => isRomFrame(entry) && (entry & EXECUTE_DISABLE) !== 0n, (entry) => entry | WRITABLE);
  expect(spoilt.lines.join("\n")).toContain(`fatal ${reason("SealPageTables")} on core 0: a core's page tables do not match the policy`);
});
