// The way that a real machine takes: GRUB from a CD, by multiboot2.

import { expect, test } from "vitest";
import { typescript, type SystemDescription } from "../../scripts/policy/language.ts";
import { bootSystem } from "./helpers/system.ts";

const TICKS = 2;

const description: SystemDescription = {
  name: "test-grub",
  partitions: [
    { name: "clock", core: 0, memory: "16 MiB", image: typescript("clock", { commandLine: `ticks=${TICKS}` }) },
    { name: "bench", core: 1, memory: "16 MiB", image: typescript("bench") },
  ],
};

test("a system boots through GRUB, with its command line and modules", async () => {
  const output = await bootSystem(description, { timeoutSeconds: 120, loader: "grub" });
  expect(output.result.reason).toBe("ended");
  expect(output.of("clock")[0]).toMatch(/^clock: a partition in TypeScript on Bulkhead/);
  expect(output.of("clock").filter((line) => /^clock: tick \d+/.test(line))).toHaveLength(TICKS);
  expect(output.of("clock").at(-1)).toBe("clock: done");
  expect(output.of("bench").length).toBeGreaterThan(0);
  for (const name of ["clock", "bench"]) expect(output.summary(name)).toContain("16 MiB, powered off, restarts 0, violations 0");
  // `console=e9` on the command line: the serial port stays silent.
  expect(output.result.serial).toBe("");
});
