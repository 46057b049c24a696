// Interrupt remapping in QEMU: an MSI arrives by its own source's entry alone. What the unit blocks it does not record, and
// messages in compatibility format always pass (docs/emulators.md), so that neither is asked for here.

import { beforeAll, describe, expect, test } from "vitest";
import type { QemuOptions } from "../../../scripts/emulator/index.ts";
import { COMPLETE, runVtdKernel, type VtdOutput } from "../../../scripts/test-kernels/vtd-kernel.ts";

const ARRIVES = ["arrives at the vector: yes", "arrives anywhere: yes"];
const BLOCKED = ["arrives at the vector: no", "arrives anywhere: no"];
const PROGRAMMED = "programmed: yes";
const CHANGED = ["changed: yes", "invalidations: 1"];

const MODES: readonly [mode: string, words: string, options: QemuOptions][] = [
  ["legacy mode", "vtd=messages", {}],
  ["scalable mode", "vtd=messages scalable", { remapping: { addressBits: 48, scalableMode: true } }],
];

describe.each(MODES)("a message in %s", (_mode, words, options) => {
  let output: VtdOutput;
  beforeAll(async () => {
    output = await runVtdKernel(words, options);
    expect(output.result.status).toBe(COMPLETE);
  });
  const lines = (name: string): string[] => output.section(`message: ${name}`);

  test.each(["by its own entry", "from behind a PCIe root port", "from behind a PCIe-to-PCI bridge", "from behind a PCI bridge"])("%s arrives at the vector", (name) => {
    expect(lines(name)).toEqual([PROGRAMMED, ...ARRIVES]);
  });

  test.each([
    "by another device's entry",
    "by the entry of devices behind a PCIe-to-PCI bridge",
    "from behind a PCIe-to-PCI bridge, by another device's entry",
    "by a device of nobody",
    "by an empty entry",
    "by an entry outside the table",
    "without bus mastering",
  ])("%s does not arrive", (name) => {
    expect(lines(name)).toEqual([PROGRAMMED, ...BLOCKED]);
  });

  test("no longer arrives when its entry was cleared, which the unit is told", () => {
    expect(lines("entry cleared")).toEqual([PROGRAMMED, ...CHANGED, ...BLOCKED]);
  });

  test("arrives at another vector when its entry was written again, which the unit is told", () => {
    expect(lines("entry written again, for another vector")).toEqual([...CHANGED, ...ARRIVES]);
  });

  test("arrives only from the device that its entry was given to", () => {
    expect(lines("entry given to another device")).toEqual(["changed: yes", ...BLOCKED]);
    expect(lines("by the device that the entry was given to")).toEqual([PROGRAMMED, ...ARRIVES]);
  });

  test("arrives by an entry for a bus from that bus alone", () => {
    expect(lines("by an entry for a bus")).toEqual(["changed: yes", PROGRAMMED, ...ARRIVES]);
    expect(lines("from another bus")).toEqual([PROGRAMMED, ...BLOCKED]);
  });
});
