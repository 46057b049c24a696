// Flashing a real block device: a loop device where this user may make one, else a plain file in its place.

import { spawnSync } from "node:child_process";
import { closeSync, constants, mkdtempSync, openSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { checkDevice } from "../../../scripts/flash/checks.ts";
import { readDevice } from "../../../scripts/flash/device.ts";
import { verifyImage, writeImage } from "../../../scripts/flash/write.ts";

const SIZE = 8 << 20;

let folder: string;
let backing: string;
let image: string;
let loop: string | null = null;
let target: string;

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), "bulkhead-loop-"));
  backing = path.join(folder, "backing");
  image = path.join(folder, "image");
  writeFileSync(backing, "");
  truncateSync(backing, SIZE);
  writeFileSync(image, Buffer.alloc(5 << 20, "Bulkhead"));
  const { status, stdout } = spawnSync("/usr/sbin/losetup", ["--find", "--show", backing], { encoding: "utf8" });
  loop = status === 0 ? stdout.trim() : null;
  target = loop ?? backing;
});
afterAll(() => {
  if (loop !== null) spawnSync("/usr/sbin/losetup", ["--detach", loop]);
  rmSync(folder, { recursive: true, force: true });
});

test("what was written is on the medium, and is found there", () => {
  writeImage(image, target);
  if (loop !== null) expect(spawnSync("/usr/sbin/blockdev", ["--flushbufs", loop]).status).toBe(0);
  verifyImage(image, target);
  expect(readFileSync(backing).subarray(0, 5 << 20).equals(readFileSync(image))).toBe(true);
});

test("a loop device is no removable one, and a file no device", () => {
  if (loop === null) expect(() => readDevice(target)).toThrow(/is not a block device/);
  else expect(() => checkDevice(readDevice(target), 1)).toThrow(`${target} is not removable`);
});

test("a block device that something else has claimed is not written", () => {
  const claim = openSync(target, constants.O_RDONLY | constants.O_EXCL);
  try {
    if (loop === null) expect(() => writeImage(image, target)).not.toThrow();
    else expect(() => writeImage(image, target)).toThrow(`${target} could not be opened: EBUSY`);
  } finally {
    closeSync(claim);
  }
});
