// Flashing a real block device: a loop device. Where this user may not make one, what needs it is reported as skipped.

import { spawnSync } from "node:child_process";
import { closeSync, constants, mkdtempSync, openSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { checkDevice } from "../../../scripts/flash/checks.ts";
import { readDevice } from "../../../scripts/flash/device.ts";
import { verifyImage, writeImage } from "../../../scripts/flash/write.ts";

const SIZE = 8 << 20;

const folder = mkdtempSync(path.join(tmpdir(), "bulkhead-loop-"));
const backing = path.join(folder, "backing");
const image = path.join(folder, "image");
writeFileSync(backing, "");
truncateSync(backing, SIZE);
writeFileSync(image, Buffer.alloc(5 << 20, "Bulkhead"));
const { status, stdout } = spawnSync("/usr/sbin/losetup", ["--find", "--show", backing], { encoding: "utf8" });
/** Known before the tests are collected, so that they can be skipped. */
const loop = status === 0 ? stdout.trim() : "";

afterAll(() => {
  if (loop !== "") spawnSync("/usr/sbin/losetup", ["--detach", loop]);
  rmSync(folder, { recursive: true, force: true });
});

test("what was written to a file is found there", () => {
  writeImage(image, backing);
  verifyImage(image, backing);
  expect(readFileSync(backing).subarray(0, 5 << 20).equals(readFileSync(image))).toBe(true);
});

test("a file is no device", () => {
  expect(() => readDevice(backing)).toThrow(/is not a block device/);
});

describe.skipIf(loop === "")("a loop device", () => {
  test("what was written is on the medium, and is found there", () => {
    writeImage(image, loop);
    expect(spawnSync("/usr/sbin/blockdev", ["--flushbufs", loop]).status).toBe(0);
    verifyImage(image, loop);
    expect(readFileSync(backing).subarray(0, 5 << 20).equals(readFileSync(image))).toBe(true);
  });

  test("is no removable one", () => {
    expect(() => checkDevice(readDevice(loop), 1)).toThrow(`${loop} is not removable`);
  });

  test("that something else has claimed is not written", () => {
    const claim = openSync(loop, constants.O_RDONLY | constants.O_EXCL);
    try {
      expect(() => writeImage(image, loop)).toThrow(`${loop} could not be opened: EBUSY`);
    } finally {
      closeSync(claim);
    }
  });
});
