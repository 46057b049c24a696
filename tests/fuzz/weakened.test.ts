// That the fuzz sees a defect: kernels without one of their checks do not get through it.

import { expect, test } from "vitest";
import { compileWeakenedKernel, type Weakness } from "../weakened/weaken.ts";
import { anyExtendedState, keptShadow } from "../weakened/weaknesses.ts";
import { fuzz } from "./fuzz.ts";

const SEED = 1;
/** Many more than each needs. */
const COUNT = 50_000;
const TIMEOUT_MS = 600_000;

const FOUND: [string, Weakness, RegExp][] = [
  ["xcr0", anyExtendedState, /^seed 1, action \d+, exit reason 0x37, .*: XCR0 0x/],
  ["shadow", keptShadow, /^seed 1, action \d+, .*: the processor would refuse the entry: /],
];

test.each(FOUND)("%s: a kernel without that check is found out", async (name, weakness, problem) => {
  const modules = await compileWeakenedKernel(`fuzz-${name}`, [weakness]);
  await expect(fuzz({ seed: SEED, count: COUNT, modules })).rejects.toThrow(problem);
}, TIMEOUT_MS);
