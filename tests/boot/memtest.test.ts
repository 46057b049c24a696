// memtest86+ in a partition, in Bochs: it finds its memory by the map that it is given, caches by CPUID, and no error. It needs more than 4 MiB: to test
// what lies below, it moves itself above 4 MiB, and where it finds no room there it waits for a key, which it says on the VGA screen only.

import { beforeAll, expect, test } from "vitest";
import { ensureMemtest } from "../../scripts/guests/memtest.ts";
import { linux } from "../../scripts/policy/language.ts";
import { bootSystem, type SystemOutput } from "./helpers/system.ts";

const TIMEOUT_SECONDS = 120;
/** Address tests and moving inversions of ones and zeroes lie behind it. */
const LAST_TEST = "#4  [";

let output: SystemOutput;
let screen = "";

beforeAll(async () => {
  const kernel = await ensureMemtest();
  const image = linux({ kernel, boot: "bzimage", initramfs: "none", commandLine: "console=ttyS0,115200 nosmp" });
  output = await bootSystem(
    { name: "test-memtest", partitions: [{ name: "memtest", core: 0, memory: "16 MiB", image }] },
    {
      timeoutSeconds: TIMEOUT_SECONDS,
      onLine: (line, machine) => {
        screen += line.startsWith("[memtest] ") ? line.slice("[memtest] ".length) : "";
        if (screen.includes(LAST_TEST)) machine.stop();
      },
    },
  );
}, (TIMEOUT_SECONDS + 300) * 1000);

test("it runs its tests on the memory that the partition has", () => {
  expect(screen).toContain("Memtest86+ v6");
  expect(screen).toMatch(/\[4MB of 15\.\d+MB\]/);
  expect(screen).toContain("[Address test, walking ones, no cache]");
  expect(screen).toContain("[Moving inversions, 1s & 0s]");
  expect(screen).toContain(LAST_TEST);
});

test("it finds no error", () => {
  const errors = [...screen.matchAll(/Errors:\s+(\d+)/g)].map(([, count]) => count);
  expect(errors.length).toBeGreaterThan(0);
  expect(new Set(errors)).toEqual(new Set(["0"]));
});

test("it runs to the end of the boot", () => {
  expect(output.kernel.filter((line) => line.includes("stopped") || line.includes("restarts"))).toEqual([]);
});
