// Where an image may be written, and which firmware it starts under.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { supportedFirmware } from "../../../scripts/emulator/index.ts";
import { checkOutput, defaultOutput } from "../../../scripts/image/output.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), "bulkhead-output-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("the output", () => {
  test("may be a new file or an older one", () => {
    const file = path.join(folder, "system.iso");
    expect(() => checkOutput(file)).not.toThrow();
    writeFileSync(file, "");
    expect(() => checkOutput(file)).not.toThrow();
  });

  test.each(["/dev/null", "/"])("is not %s", (file) => {
    expect(() => checkOutput(file)).toThrow(/is not a plain file/);
  });

  test("is not in a folder that is missing", () => {
    expect(() => checkOutput(path.join(folder, "nosuch/system.iso"))).toThrow(/nosuch is missing/);
  });

  test("has the system's name by default", () => {
    expect(defaultOutput("demo")).toMatch(/build\/images\/demo\.iso$/);
  });
});

test.each([
  [["i386-pc", "x86_64-efi"], ["bios", "uefi"]],
  [["x86_64-efi"], ["uefi"]],
  [["i386-pc"], ["bios"]],
  [[], []],
])("with GRUB for %j it starts under %j", (installed, firmware) => {
  expect(supportedFirmware((file) => installed.some((one) => file === `/usr/lib/grub/${one}/multiboot2.mod`))).toEqual(firmware);
});
