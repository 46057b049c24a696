// A million random actions of guests in Bochs (tests/fixtures/guests/fuzz.S), on core 0 and on another one: no fault of the kernel, no hang,
// and a neighbour that notices nothing. FUZZ_SEED takes another seed; the same one repeats the run.

import { beforeAll, expect, test } from "vitest";
import { flat, typescript } from "../../scripts/policy/language.ts";
import { buildGuestKernel } from "./helpers/guest-kernels.ts";
import { bootSystem, type SystemOutput } from "./helpers/system.ts";

const SEED = Number(process.env["FUZZ_SEED"] ?? 1);
const COUNT = Number(process.env["FUZZ_BOOT_COUNT"] ?? 1_000_000);
const ADDRESS = 0x10_0000;
/** Alone on two processors it takes four minutes. */
const TIMEOUT_SECONDS = 1700;
/** More than the neighbour comes to. */
const TICKS = 1_000_000;
const START_TIME = 1_700_000_000;
const GUESTS = ["fuzz0", "fuzz1"] as const;

/** Actions of one guest over all its starts; it tells them every 256, so that up to 255 of each start are not counted. */
class Progress {
  starts = 0;
  private before = 0;
  private current = 0;

  get actions(): number {
    return this.before + this.current;
  }

  line(text: string): void {
    if (/fuzz start$/.test(text)) {
      this.starts++;
      this.before += this.current;
      this.current = 0;
    }
    const count = /fuzz ([0-9a-f]{8})$/.exec(text)?.[1];
    if (count !== undefined) this.current = Number.parseInt(count, 16);
  }
}

const progress = new Map(GUESTS.map((name) => [name as string, new Progress()]));
const total = (): number => [...progress.values()].reduce((sum, { actions }) => sum + actions, 0);
let output: SystemOutput;

beforeAll(async () => {
  process.stdout.write(`fuzzing in Bochs: seed ${SEED}, ${COUNT} actions\n`);
  const images = await Promise.all(GUESTS.map((name, index) => buildGuestKernel(name, { source: "fuzz", bits: 64, address: ADDRESS, flat: true, defines: [`SEED=${SEED + index * 0x1_0000_0001}`, ...(index === 0 ? ["XAPIC"] : [])] })));
  const health = { memory: "ignore", port: "ignore", msr: "inject-fault", fault: "restart", restartLimit: 1_000_000 } as const;
  const hypercalls = ["version", "tsc-frequency", "console-read"] as const;
  const guests = GUESTS.map((name, core) => ({
    name, core, memory: "4 MiB", image: flat({ file: images[core] ?? "", address: ADDRESS, mode: "64-bit" }), hypercalls: [...hypercalls], health: core === 0 ? health : { ...health, memory: "inject-fault", port: "inject-fault", msr: "ignore" } as const,
  }));
  const neighbour = { name: "neighbour", core: GUESTS.length, memory: "4 MiB", image: typescript("witness", { commandLine: `ticks=${TICKS} period=100` }) };
  let quiet = "";
  output = await bootSystem(
    { name: "test-fuzz", partitions: [...guests, neighbour] },
    {
      timeoutSeconds: TIMEOUT_SECONDS,
      startTime: START_TIME,
      onLine: (line, machine) => {
        const name = /^\[(\w+)\]/.exec(line)?.[1] ?? "";
        progress.get(name)?.line(line);
        // The neighbour has the last word: it still goes on then.
        if (total() >= COUNT && name === "neighbour") quiet = line;
        if (quiet !== "") machine.stop();
      },
    },
  );
}, (TIMEOUT_SECONDS + 60) * 1000);

test("the guests do all of it, whatever it does to them", () => {
  expect(total(), `seed ${SEED}: actions of each guest ${[...progress.values()].map(({ actions, starts }) => `${actions} in ${starts} starts`).join(", ")}`).toBeGreaterThanOrEqual(COUNT);
  for (const [name, { starts, actions }] of progress) {
    expect(starts, name).toBeGreaterThan(1);
    expect(actions, name).toBeGreaterThan(COUNT / 10);
  }
});

test("the kernel meets no fault, and no guest stops", () => {
  const bad = output.kernel.filter((line) => /^fatal|^trap|stopped:|monitor fault|VM entry|unexpected exit/.test(line));
  expect(bad, `seed ${SEED}`).toEqual([]);
});

test("the neighbour's memory and time stand", () => {
  const ticks = output.of("neighbour").filter((line) => line.startsWith("witness: tick"));
  expect(ticks.length).toBeGreaterThan(10);
  expect(ticks, `seed ${SEED}`).toEqual(ticks.map((_, index) => `witness: tick ${index + 1}, marker stands`));
});
