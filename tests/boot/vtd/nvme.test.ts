// A real bus master: QEMU's NVMe controller, driven by the test kernel through its owner's domain and, for comparison, with
// translation off.

import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { RemappingUnit } from "../../../scripts/emulator/qemu.ts";
import { COMPLETE, EDU_DEVICES, runVtdKernel, type VtdOutput } from "../../../scripts/test-kernels/vtd-kernel.ts";

const BLOCK_SIZE = 512;
const BLOCKS = 2048;
const SERIAL_NUMBER = "bulkhead-nvme";
const FUNCTION = "00:16.0";
/** Blocks as tests/fixtures/vtd/tests/nvme.ts and nvme-forbidden.ts use them; the disk is random but for those they write. */
const RANDOM_BLOCK = 16;
const PAGE_BLOCKS = 8;
const LIST_PAGES = 16;
const STOLEN_BLOCK = 64;
const WRITTEN_BLOCK = 80;
/** First words of what the kernel fills memory with, tests/fixtures/vtd/pattern.ts. */
const SEED = { victim: 0x56490000, own: 0x4f570000 } as const;

interface Run {
  output: VtdOutput;
  /** The disk before and after. */
  before: Buffer;
  after: Buffer;
}

const folder = mkdtempSync(path.join(tmpdir(), "bulkhead-nvme-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** `words` of the command line. */
async function runWithDisk(words: string, remapping: RemappingUnit): Promise<Run> {
  const disk = path.join(mkdtempSync(path.join(folder, "run-")), "disk.img");
  const before = randomBytes(BLOCKS * BLOCK_SIZE);
  writeFileSync(disk, before);
  const output = await runVtdKernel(words, {
    devices: [...EDU_DEVICES, `nvme,serial=${SERIAL_NUMBER},drive=disk,addr=0x16`],
    extraArguments: ["-drive", `if=none,id=disk,file=${disk},format=raw`],
    remapping,
  });
  expect(output.result.status).toBe(COMPLETE);
  return { output, before, after: readFileSync(disk) };
}

function blocks(disk: Buffer, first: number, count = 1): Buffer {
  return disk.subarray(first * BLOCK_SIZE, (first + count) * BLOCK_SIZE);
}

/** A block that fill() in pattern.ts wrote. */
function pattern(seed: number): Buffer {
  const block = Buffer.alloc(BLOCK_SIZE);
  for (let offset = 0; offset < BLOCK_SIZE; offset += 4) block.writeUInt32LE(seed + offset / 4, offset);
  return block;
}

/** hashOf() of tests/fixtures/vtd/nvme/blocks.ts, as the kernel prints it. */
function hash(bytes: Buffer): string {
  let value = 0xcbf29ce484222325n;
  for (let offset = 0; offset < bytes.length; offset += 8) value = BigInt.asUintN(64, (value ^ bytes.readBigUInt64LE(offset)) * 0x100000001b3n);
  return `0x${value.toString(16).padStart(16, "0")}`;
}

/** The line of a fault; the page is wherever the victim lies. In scalable mode the unit records the PASID that it took. */
function blocked(access: "read" | "write"): unknown {
  const reason = access === "write" ? "0x05, no write permission" : "0x06, no read permission";
  return expect.stringMatching(new RegExp(`^vtd unit 0: ${FUNCTION} of right: ${access} at 0x[0-9a-f]{13}000( with PASID 0x00000)? blocked: reason ${reason}$`));
}

/** QEMU asks for each word of a transfer anew, so that the unit may record a second fault when the first was taken. */
const REPEATED = /^vtd unit 0: .*: \d+ more faults? before the next$/;

/** Observations and lines, in no order: a fault's line stands where its interrupt came. */
function expectLines(section: readonly string[], expected: readonly unknown[]): void {
  const actual = section.filter((line) => !REPEATED.test(line));
  expect(actual).toEqual(expect.arrayContaining([...expected]));
  expect(actual).toHaveLength(expected.length);
}

describe("an NVMe controller with translation off", () => {
  let run: Run;
  beforeAll(async () => {
    run = await runWithDisk("vtd=nvme-open", { addressBits: 48 });
  });

  test("overwrites the kernel's memory with what is on the disk", () => {
    expect(run.output.section("nvme open: start")).toEqual(["started: yes"]);
    expect(run.output.section("nvme open: read to the kernel's memory")).toEqual(["command ends: yes", "memory untouched: no", `one block: ${hash(blocks(run.before, RANDOM_BLOCK))}`]);
  });

  test("takes the kernel's memory to the disk", () => {
    expect(run.output.section("nvme open: write from the kernel's memory")).toEqual(["command ends: yes", "loot read back: yes", "secret on the disk: yes", "nothing learnt: no"]);
    expect(blocks(run.after, STOLEN_BLOCK)).toEqual(pattern(SEED.victim));
  });

  test("overwrites another partition's memory with the second page of a transfer", () => {
    expect(run.output.section("nvme open: second page of a read in another partition's memory")).toEqual(["command ends: yes", "memory untouched: no"]);
  });
});

const MODES: readonly [mode: string, words: string, unit: RemappingUnit][] = [
  ["four levels", "vtd=nvme", { addressBits: 48 }],
  ["three levels and caching mode", "vtd=nvme", { addressBits: 39, cachingMode: true }],
  ["scalable mode", "vtd=nvme scalable", { addressBits: 48, scalableMode: true }],
];

describe.each(MODES)("an NVMe controller in its owner's domain, %s", (_mode, words, unit) => {
  let run: Run;
  let page: string;
  beforeAll(async () => {
    run = await runWithDisk(words, unit);
    page = `one page: ${hash(blocks(run.before, RANDOM_BLOCK, PAGE_BLOCKS))}`;
  });

  test("is reset by its function-level reset", () => {
    expect(run.output.section("nvme: reset")).toEqual(["started: yes", "has function-level reset: yes", "reset done: yes", "enabled after the reset: no"]);
  });

  test("identifies itself through the admin queue", () => {
    const identity = [`serial number: ${SERIAL_NUMBER.padEnd(20)}`, "namespace told: yes", `blocks: ${BLOCKS}`, `bytes in a block: ${BLOCK_SIZE}`];
    expect(run.output.section("nvme: identify")).toEqual(["brought up: yes", "controller told: yes", ...identity]);
  });

  test("reads blocks to device addresses, and its MSI-X message comes through the remapping entry", () => {
    const list = blocks(run.before, RANDOM_BLOCK + PAGE_BLOCKS, LIST_PAGES * PAGE_BLOCKS);
    expect(run.output.section("nvme: blocks read into the domain")).toEqual([
      ...["device addresses are physical ones: no", "page read: yes", page, "completion interrupts once: yes"],
      ...["pages read by a list: yes", `sixteen pages: ${hash(list)}`],
    ]);
  });

  test("writes a block, and nothing else changes on the disk", () => {
    expect(run.output.section("nvme: block written from the domain")).toEqual(["written: yes"]);
    expect(blocks(run.after, WRITTEN_BLOCK)).toEqual(pattern(SEED.own));
    const expected = Buffer.from(run.before);
    for (const written of [STOLEN_BLOCK, WRITTEN_BLOCK]) blocks(run.after, written).copy(blocks(expected, written));
    expect(run.after.equals(expected)).toBe(true);
  });

  test("cannot send its message by another device's entry", () => {
    expect(run.output.section("nvme: message by another device's entry")).toEqual(["programmed: yes", "page read: yes", "arrives: no"]);
    expect(run.output.section("nvme: message by its own entry again")).toEqual(["programmed: yes", "page read: yes", "arrives: yes"]);
  });

  test("cannot overwrite the kernel's memory", () => {
    expectLines(run.output.section("nvme: read to the kernel's memory"), [blocked("write"), "command ends: yes", "memory untouched: yes"]);
  });

  test("cannot take the kernel's memory to the disk", () => {
    expectLines(run.output.section("nvme: write from the kernel's memory"), [blocked("read"), "command ends: yes", "loot read back: yes", "secret on the disk: no", "nothing learnt: yes"]);
    expect(blocks(run.after, STOLEN_BLOCK)).toEqual(Buffer.alloc(BLOCK_SIZE));
  });

  test("cannot overrun its memory with the second page of a transfer", () => {
    expectLines(run.output.section("nvme: second page of a read in another partition's memory"), [blocked("write"), "command ends: yes", "memory untouched: yes"]);
  });

  test("goes on working afterwards", () => {
    expect(run.output.section("nvme: read into the domain after that")).toEqual(["page read: yes", page]);
  });

  test("cannot write completions to the kernel's memory, and comes back by a reset", () => {
    expectLines(run.output.section("nvme: completion queue in the kernel's memory"), [
      ...["reset done: yes", "queue accepted: yes", blocked("write"), "page read: no", "controller failed: yes", "memory untouched: yes"],
    ]);
    expect(run.output.section("nvme: reset of the failed controller")).toEqual(["reset done: yes", "brought up: yes", "page read: yes", page]);
  });
});
