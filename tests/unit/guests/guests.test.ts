import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { extractVmlinux } from "../../../scripts/guests/bzimage.ts";
import { writeCpio } from "../../../scripts/guests/cpio.ts";
import { decompressLegacyLz4 } from "../../../scripts/guests/lz4.ts";

function run(program: string, parameters: string[], input: Buffer): Buffer {
  const { status, stdout, error } = spawnSync(program, parameters, { input, maxBuffer: 2 ** 28 });
  if (error !== undefined) throw error;
  expect(status).toBe(0);
  return stdout;
}

function packLegacyLz4(bytes: Buffer): Buffer {
  return run("lz4", ["-l", "-c", "-9"], bytes);
}

describe("LZ4", () => {
  const contents: [string, Buffer][] = [
    ["text with long matches", Buffer.from("bulkhead ".repeat(5000))],
    ["one byte repeated", Buffer.alloc(100_000, 7)],
    ["bytes without matches", randomBytes(70_000)],
    ["more than one block", Buffer.concat([Buffer.alloc(9 * 2 ** 20, 1), randomBytes(1000)])],
    ["one byte", Buffer.from([1])],
  ];

  test.each(contents)("unpacks %s", (_name, bytes) => {
    expect(decompressLegacyLz4(packLegacyLz4(bytes), bytes.length).equals(bytes)).toBe(true);
  });

  test("refuses a frame cut short", () => {
    const packed = packLegacyLz4(Buffer.from("bulkhead ".repeat(5000)));
    for (const length of [8, packed.length >> 1, packed.length - 1]) {
      expect(() => decompressLegacyLz4(packed.subarray(0, length), 45_000)).toThrow(RangeError);
    }
  });

  test("refuses a content of another size", () => {
    const packed = packLegacyLz4(Buffer.alloc(1000));
    expect(() => decompressLegacyLz4(packed, 999)).toThrow(RangeError);
    expect(() => decompressLegacyLz4(packed, 1001)).toThrow(RangeError);
  });

  test("refuses a match before the content", () => {
    const frame = Buffer.from([0x02, 0x21, 0x4c, 0x18, 4, 0, 0, 0, 0x10, 0x41, 2, 0]);
    expect(() => decompressLegacyLz4(frame, 100)).toThrow("match");
  });
});

describe("bzImage", () => {
  const SETUP_SECTORS = 3;

  /** A bzImage with this payload, whose kernel is `size` bytes long. */
  function bzImage(payload: Buffer, size: number): Buffer {
    const setup = Buffer.alloc((SETUP_SECTORS + 1) * 512);
    setup.writeUInt8(SETUP_SECTORS, 0x1f1);
    setup.writeUInt32LE(0x53726448, 0x202);
    setup.writeUInt32LE(16, 0x248);
    setup.writeUInt32LE(payload.length + 4, 0x24c);
    const trailer = Buffer.alloc(4);
    trailer.writeUInt32LE(size);
    return Buffer.concat([setup, Buffer.alloc(16), payload, trailer]);
  }

  const kernel = Buffer.concat([Buffer.from("\x7fELF\x02", "latin1"), Buffer.alloc(13), Buffer.from([62, 0]), Buffer.alloc(5000, 9)]);

  test.each([
    ["LZ4", packLegacyLz4(kernel)],
    ["gzip", gzipSync(kernel)],
    ["XZ", run("xz", ["-c", "--check=crc32"], kernel)],
  ])("gives the kernel that %s packed", (_name, payload) => {
    expect(extractVmlinux(bzImage(payload, kernel.length), "vmlinuz").equals(kernel)).toBe(true);
  });

  test("refuses what is no bzImage, cut short, or packed in another way", () => {
    const whole = bzImage(packLegacyLz4(kernel), kernel.length);
    expect(() => extractVmlinux(kernel, "vmlinuz")).toThrow("vmlinuz is no bzImage");
    expect(() => extractVmlinux(whole.subarray(0, whole.length - 1), "vmlinuz")).toThrow("cut short");
    expect(() => extractVmlinux(bzImage(Buffer.alloc(64), 64), "vmlinuz")).toThrow("other than LZ4, gzip, XZ and Zstandard");
    expect(() => extractVmlinux(bzImage(gzipSync(Buffer.alloc(64)), 64), "vmlinuz")).toThrow("no ELF kernel");
  });
});

describe("cpio", () => {
  const archive = writeCpio([
    { kind: "directory", path: "bin" },
    { kind: "file", path: "bin/tool", mode: 0o755, bytes: Buffer.from("odd") },
    { kind: "link", path: "bin/other", target: "tool" },
    { kind: "character device", path: "console", mode: 0o600, major: 5, minor: 1 },
  ]);

  test("is what the cpio program reads", () => {
    const lines = run("cpio", ["-tv", "--quiet"], archive).toString().trim().split("\n");
    expect(lines.map((line) => line.split(/\s+/)[0])).toEqual(["drwxr-xr-x", "-rwxr-xr-x", "lrwxrwxrwx", "crw-------"]);
    expect(lines[1]).toMatch(/\b3 .* bin\/tool$/);
    expect(lines[2]).toMatch(/bin\/other -> tool$/);
    expect(lines[3]).toMatch(/5,\s+1 .*console$/);
  });

  test("keeps every member on a multiple of four", () => {
    for (let at = archive.indexOf("070701"); at >= 0; at = archive.indexOf("070701", at + 1)) expect(at % 4).toBe(0);
  });
});
