// memtest86+ in a partition, in Bochs, as SeaBIOS and GRUB start it: it finds its memory by the map that it is given, caches by CPUID, and no error in a
// whole pass. It needs more than 4 MiB: to test what lies below, it moves itself above 4 MiB, and where it finds no room there it waits for a key, which
// it says on the VGA screen only.

import { beforeAll, expect, test } from "vitest";
import { bios } from "../../scripts/policy/language.ts";
import { ENTER, MENU_DRAWN, NEXT_ENTRY } from "./helpers/firmware-linux.ts";
import { bootSystem, type SystemOutput } from "./helpers/system.ts";

const TIMEOUT_SECONDS = 240;
/** Its tests that take half a minute or more in Bochs: moving inversions of 64 patterns, random numbers, modulo 20, and bit fade, which waits. */
const LONG_TESTS = [6, 8, 9, 10];
/** Keys at its console: configuration, selection of tests, "remove one test" for each, and out of both menus. */
const CONFIGURE = `11${LONG_TESTS.map((number) => `2${number}${ENTER}`).join("")}00`;
const PASS_COMPLETE = /Pass:  1 +Errors: /;

let output: SystemOutput;
let screen = "";

beforeAll(async () => {
  /** What is typed once the screen has shown a text. */
  const steps: [RegExp, string][] = [[MENU_DRAWN, `${NEXT_ENTRY.repeat(2)}${ENTER}`], [/<F1>/, CONFIGURE]];
  output = await bootSystem(
    { name: "test-memtest", partitions: [{ name: "memtest", core: 0, memory: "6 MiB", image: bios(), disk: { file: "boot", readOnly: true }, keyboard: true }] },
    {
      timeoutSeconds: TIMEOUT_SECONDS,
      interactive: true,
      onLine: (line, machine) => {
        screen += line.startsWith("[memtest] ") ? line.slice("[memtest] ".length) : "";
        const [awaited, keys] = steps[0] ?? [];
        if (awaited?.test(screen) === true && keys !== undefined) {
          steps.shift();
          machine.write(keys);
        }
        if (PASS_COMPLETE.test(screen)) machine.stop();
      },
    },
  );
}, (TIMEOUT_SECONDS + 300) * 1000);

test("it runs its tests on the memory that the partition has", () => {
  expect(screen).toContain("Memtest86+ v6");
  expect(screen).toMatch(/\[4MB of 5\.\d+MB\]/);
  for (const name of ["#0  [Address test, walking ones, no cache]", "#3  [Moving inversions, 1s & 0s]", "#5  [Moving inversions, random pattern]"]) {
    expect(screen).toContain(name);
  }
});

test("it takes keys at its console, and ends a pass without an error", () => {
  expect(screen).toContain("<F1>  Clear selection");
  expect(screen).toMatch(PASS_COMPLETE);
  const errors = [...screen.matchAll(/Errors:\s+(\d+)/g)].map(([, count]) => count);
  expect(new Set(errors)).toEqual(new Set(["0"]));
});

test("it does nothing that it may not, and runs to the end of the boot", () => {
  expect(output.kernel.filter((line) => /^audit: |stopped|restarts/.test(line))).toEqual([]);
});
