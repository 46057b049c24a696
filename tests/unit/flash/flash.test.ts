// Flashing: what is refused, what is asked, and what is written and read back. The device is a file behind a description.

import { mkdtempSync, openSync, closeSync, readFileSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { UserError } from "../../../scripts/error.ts";
import type { BlockDevice } from "../../../scripts/flash/device.ts";
import { flash, type FlashHost } from "../../../scripts/flash/flash.ts";

const IMAGE_SIZE = (5 << 20) + 4096; // more than a chunk, and no whole number of them
const DEVICE_SIZE = 6 << 20;

let folder: string;
let image: string;
let stick: string;

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), "bulkhead-flash-"));
  image = path.join(folder, "system.iso");
  stick = path.join(folder, "stick");
  const bytes = Buffer.from(Uint8Array.from({ length: IMAGE_SIZE }, (_, i) => (i * 31 + (i >> 9)) & 0xff));
  bytes.write("\x55\xaa", 510, "latin1");
  bytes.write("CD001", 0x8001, "latin1");
  writeFileSync(image, bytes);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
beforeEach(() => writeFileSync(stick, Buffer.alloc(DEVICE_SIZE, 0xee)));

interface Given {
  device?: Partial<BlockDevice>;
  agreed?: boolean;
  answer?: string;
  terminal?: boolean;
  /** Happens to the device between writing and reading back. */
  damage?: () => void;
  image?: string;
}

async function tryFlash(given: Given = {}): Promise<{ said: string[]; asked: string[]; error: UserError | null }> {
  const said: string[] = [];
  const asked: string[] = [];
  const host: FlashHost = {
    readDevice: () => ({ path: stick, type: "disk", size: DEVICE_SIZE, removable: true, readOnly: false, description: "Ultra, 14.9 GiB, usb", parent: null, mountPoints: [], ...given.device }),
    forget: () => given.damage?.(),
    hasTerminal: () => given.terminal ?? true,
    ask: (question) => {
      asked.push(question);
      return Promise.resolve(given.answer ?? stick);
    },
    say: (text) => void said.push(text),
  };
  try {
    await flash(stick, given.image ?? image, given.agreed ?? true, host);
    return { said, asked, error: null };
  } catch (error) {
    if (error instanceof UserError) return { said, asked, error };
    throw error;
  }
}

function untouched(): boolean {
  return readFileSync(stick).equals(Buffer.alloc(DEVICE_SIZE, 0xee));
}

test("writes the image, and nothing behind it", async () => {
  const { said, error } = await tryFlash();
  expect(error).toBeNull();
  const written = readFileSync(stick);
  expect(written.subarray(0, IMAGE_SIZE).equals(readFileSync(image))).toBe(true);
  expect(written.subarray(IMAGE_SIZE).equals(Buffer.alloc(DEVICE_SIZE - IMAGE_SIZE, 0xee))).toBe(true);
  expect(said).toEqual(["Writing 5.0 MiB to " + `${stick}.`, "Reading it back.", `${stick} holds the image, byte for byte, and can be taken out.`]);
});

describe("refuses, and leaves the device untouched", () => {
  test.each<[string, Partial<BlockDevice>, RegExp, RegExp]>([
    ["a fixed disk", { removable: false }, /is not removable/, /Name a USB stick/],
    ["a mounted partition on it", { mountPoints: ["/media/a b", "[SWAP]"] }, /is in use: \/media\/a b, \[SWAP\]/, /sudo umount '\/media\/a b'\nsudo swapoff --all/],
    ["a device that is too small by a byte", { size: IMAGE_SIZE - 1 }, /is too small: 5246975 bytes for an image of 5246976/, /larger/],
    ["a partition", { type: "part", parent: "/dev/sdb" }, /is a partition/, /the whole disk, \/dev\/sdb\./],
    ["a write-protected one", { readOnly: true }, /is read-only/, /switch/],
  ])("%s", async (_, device, message, remedy) => {
    const { error, asked } = await tryFlash({ device, agreed: false });
    expect(error?.message).toMatch(message);
    expect(error?.remedy).toMatch(remedy);
    expect(asked).toEqual([]);
    expect(untouched()).toBe(true);
  });

  test("with every reason at once", async () => {
    const { error } = await tryFlash({ device: { removable: false, mountPoints: ["/"], size: 0 } });
    expect(error?.message.split("\n")).toHaveLength(3);
    expect(error?.remedy).not.toContain("umount"); // nobody shall unmount the system's disk for this
  });

  test("a device as large as the image is large enough", async () => {
    expect((await tryFlash({ device: { size: IMAGE_SIZE } })).error).toBeNull();
  });
});

describe("asks before it destroys", () => {
  test("and goes on when the device's name is typed", async () => {
    const { asked, said, error } = await tryFlash({ agreed: false, answer: `${stick}\n` });
    expect(error).toBeNull();
    expect(asked).toEqual([`Type ${stick} to go on: `]);
    expect(said[0]).toBe(`This destroys everything on ${stick} (Ultra, 14.9 GiB, usb).`);
  });

  test.each(["", "y", "yes", "/dev/sda"])("but not for the answer %j", async (answer) => {
    const { error } = await tryFlash({ agreed: false, answer });
    expect(error?.message).toContain("was left as it is");
    expect(untouched()).toBe(true);
  });

  test("and does not go on where nobody can answer", async () => {
    const { error, asked } = await tryFlash({ agreed: false, terminal: false });
    expect(error?.remedy).toContain("--yes");
    expect(asked).toEqual([]);
    expect(untouched()).toBe(true);
  });
});

describe("reads back", () => {
  test.each([0, 4 << 20, IMAGE_SIZE - 1])("and finds a wrong byte at %d", async (offset) => {
    const damage = (): void => {
      const handle = openSync(stick, "r+");
      const wrong = Buffer.from([readFileSync(image).readUInt8(offset) ^ 1]);
      writeSync(handle, wrong, 0, 1, offset);
      closeSync(handle);
    };
    expect((await tryFlash({ damage })).error?.message).toBe(`${stick} did not keep the image: byte ${offset} differs`);
  });

  test("and finds a device that ends early", async () => {
    const damage = (): void => writeFileSync(stick, readFileSync(image).subarray(0, 1000));
    expect((await tryFlash({ damage })).error?.message).toBe(`${stick} did not keep the image: byte 1000 differs`);
  });
});

describe("takes no other file for an image", () => {
  test.each([
    ["nosuch.iso", /no file/],
    [".", /is not a plain file/],
    ["empty", /is not a hybrid boot image/],
    ["cd-only", /is not a hybrid boot image/],
  ])("%s", async (name, message) => {
    writeFileSync(path.join(folder, "empty"), "");
    const cd = readFileSync(image);
    cd.fill(0, 510, 512);
    writeFileSync(path.join(folder, "cd-only"), cd);
    expect((await tryFlash({ image: path.join(folder, name) })).error?.message).toMatch(message);
    expect(untouched()).toBe(true);
  });
});
