// The container of modules for loaders that hand over one file.

import { expect, test } from "vitest";
import { packModules } from "../../../scripts/emulator/ram-disk.ts";

test("each module begins on a page, and its size is its own", () => {
  const contents = [Buffer.from("policy"), Buffer.alloc(0), Buffer.alloc(4096, 1), Buffer.alloc(4097, 2)];
  const disk = packModules(contents);
  expect(disk.toString("latin1", 0, 8)).toBe("BKHDMODS");
  expect(disk.readBigUInt64LE(8)).toBe(4n);
  contents.forEach((content, index) => {
    const offset = Number(disk.readBigUInt64LE(16 + index * 16));
    const size = Number(disk.readBigUInt64LE(24 + index * 16));
    expect(offset % 4096).toBe(0);
    expect(disk.subarray(offset, offset + size).equals(content)).toBe(true);
  });
  expect(disk.length).toBe(4096 + 4096 + 4096 + 8192);
});

test("a table longer than a page pushes the modules back", () => {
  const disk = packModules(Array.from({ length: 300 }, (_, i) => Buffer.from([i & 0xff])));
  expect(Number(disk.readBigUInt64LE(16))).toBe(8192);
  expect(disk.readUInt8(Number(disk.readBigUInt64LE(16 + 299 * 16)))).toBe(299 & 0xff);
});
