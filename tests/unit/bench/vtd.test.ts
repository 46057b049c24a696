import { expect, test } from "vitest";
import { vtdFigures } from "../../../scripts/bench/vtd.ts";
import { UserError } from "../../../scripts/error.ts";
import { VtdOutput } from "../../../scripts/test-kernels/vtd-kernel.ts";

const LINES = [
  "vtd: translation and interrupt remapping on, every table matches the policy",
  "test: bench",
  ...["vtd.map.4k: 32483612", "vtd.unmap.4k: 29360619", "mapped and taken out: yes"],
  ...["vtd.map.2m: 55839", "vtd.unmap.2m: 47595", "vtd.map.1g: 172", "vtd.unmap.1g: 563"],
  ...["vtd.invalidations.map: 0", "vtd.invalidations.unmap: 1"],
  ...["vtd.attach: 282", "vtd.invalidations.attach: 1", "vtd.detach: 482", "vtd.invalidations.detach: 2"],
  "vtd unit 0: 00:10.0 of left: write at 0x0000000060003000 blocked: reason 0x05, no write permission",
  ...["vtd.fault.told: 5257", "vtd.fault.counted: 250", "every fault recorded: yes"],
];

function outputOf(lines: readonly string[]): VtdOutput {
  const output = lines.map((line) => `[bulkhead] ${line}\r\n`).join("");
  return new VtdOutput({ reason: "ended", status: 0x21, output, serial: "", log: "", seconds: 1, folder: null });
}

test("takes every figure from the kernel's lines", () => {
  const figures = vtdFigures(outputOf(LINES));
  expect(figures).toHaveLength(15);
  expect(figures.every(({ goal }) => goal === null)).toBe(true);
  expect(figures[0]).toEqual({ name: "vtd.map.4k", value: 32_483_612, unit: "instructions", goal: null });
  expect(figures).toContainEqual({ name: "vtd.unmap.1g", value: 563, unit: "instructions", goal: null });
  expect(figures).toContainEqual({ name: "vtd.invalidations.detach", value: 2, unit: "invalidations", goal: null });
});

test("states the faults of a second by those that are only counted", () => {
  expect(vtdFigures(outputOf(LINES)).at(-1)).toEqual({ name: "vtd.faults-per-second", value: 4_000_000, unit: "faults/s at 10^9 instructions/s", goal: null });
});

test("takes no figure from an operation that failed", () => {
  const failed = LINES.map((line) => line.replace("mapped and taken out: yes", "mapped and taken out: no"));
  expect(() => vtdFigures(outputOf(failed))).toThrow(UserError);
  expect(() => vtdFigures(outputOf(failed))).toThrow(/measured nothing: mapped and taken out: no/);
});

test("names a figure that is missing", () => {
  expect(() => vtdFigures(outputOf(LINES.filter((line) => !line.startsWith("vtd.attach"))))).toThrow(/printed no "vtd\.attach"/);
});
