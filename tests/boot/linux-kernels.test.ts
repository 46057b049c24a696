// Debian's real-time kernel and its kernel 6.12, unmodified, side by side in Bochs: each to its shell, which takes commands.

import { beforeAll, describe, expect, test } from "vitest";
import example from "../../examples/linux-kernels/system.ts";
import { bootSystem, type SystemOutput } from "./helpers/system.ts";

/** Alone on two processors it takes a minute and a half; what is not there yet is downloaded. */
const TIMEOUT_SECONDS = 300;
const COMMANDS = "uname -a; poweroff -f\n";

let output: SystemOutput;

beforeAll(async () => {
  const steps = [/^\[rt\] bulkhead: shell ready/, /^\[lts\] bulkhead: shell ready/];
  const ready = new Set<RegExp>();
  let isFirstOver = false;
  let typed = 0;
  output = await bootSystem(
    { ...example, name: "test-linux-kernels" },
    {
      timeoutSeconds: TIMEOUT_SECONDS,
      interactive: true,
      onLine: (line, machine) => {
        for (const step of steps) if (step.test(line)) ready.add(step);
        isFirstOver ||= /^\[bulkhead\] partition rt stopped/.test(line);
        const [rt, lts] = steps;
        // The keyboard goes from the first one to the second one as it ends.
        const isDue = typed === 0 ? ready.has(rt!) : typed === 1 && isFirstOver && ready.has(lts!);
        if (!isDue) return;
        typed++;
        machine.write(COMMANDS);
      },
    },
  );
}, (TIMEOUT_SECONDS + 900) * 1000);

describe.each([
  { name: "rt", release: /^Linux linux 6\.\d+\.\d+-\d+-rt-amd64 #1 SMP PREEMPT_RT Debian .* x86_64 GNU\/Linux/m },
  { name: "lts", release: /^Linux linux 6\.12\.\d+\S* #1 SMP PREEMPT_DYNAMIC Debian .* x86_64 GNU\/Linux/m },
])("$name", ({ name, release }) => {
  test("comes to its shell, tells its release, and powers its partition off", () => {
    const text = output.of(name).join("\n");
    expect(text).toMatch(release);
    expect(text).toMatch(/demo: memory \d+ kB, processors 1, hypervisor yes/);
    expect(output.summary(name)).toContain(", powered off, restarts 0");
  });

  test("finds nothing to warn of", () => {
    expect(output.of(name).filter((line) => /cut here|WARNING:|BUG:|Oops|Call Trace|Kernel panic/.test(line))).toEqual([]);
  });
});
