// The image that `bulkhead image` writes, started by the firmware of a PC from each medium. QEMU has no VMX here, so the kernel
// ends with all that the machine lacks.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { makeSystemImage } from "../../scripts/image/system-image.ts";
import { compileDescription } from "../../scripts/policy/compile.ts";
import { typescript } from "../../scripts/policy/language.ts";
import { bootMedium, textOfPicture } from "./helpers/media-machine.ts";

const LAST_WORDS = "fatal 8 on core 0: the machine lacks what the kernel needs";

let folder: string;
let image: string;

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), "bulkhead-image-"));
  image = path.join(folder, "media.iso");
  const system = await compileDescription({ name: "test-media", partitions: [{ name: "witness", core: 0, memory: "4 MiB", image: typescript("witness") }] }, import.meta.filename);
  writeFileSync(image, "an older image");
  expect(await makeSystemImage(system, image)).toEqual(["BIOS", "UEFI"]);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("the image", () => {
  test("replaces an older one and leaves no other file", () => {
    expect(readFileSync(image).length).toBeGreaterThan(0x100000);
    expect(readFileSync(image).toString("latin1", 0x8001, 0x8006)).toBe("CD001");
    expect(readFileSync(image).readUInt16LE(510)).toBe(0xaa55); // also a disk with a partition table
  });

  test.each([
    ["bios", "cd", "with"],
    ["bios", "disk", "with"],
    ["bios", "usb", "without"],
    ["uefi", "disk", "with"],
    ["uefi", "usb", "without"],
  ] as const)("starts under %s from a %s %s a serial line, and the kernel says on every console what the machine lacks", async (firmware, medium, line) => {
    const { serial, debugConsole, screen, textMemory } = await bootMedium(image, { firmware, medium, serial: line === "with" }, LAST_WORDS);
    const shown = firmware === "uefi" ? textOfPicture(screen) : textMemory;
    for (const console of [debugConsole, shown, ...(line === "with" ? [serial] : [])]) {
      expect(console).toContain("[bulkhead] missing: CPUID.1:ECX bit 5 (VMX)");
      expect(console).toContain(LAST_WORDS);
      expect(console).not.toContain("starts on core");
    }
  });
});
