import { expect, test } from "vitest";
import { linuxFigures } from "../../../scripts/bench/linux.ts";
import { formatTable } from "../../../scripts/bench/table.ts";

test("shows value, goal, verdict and peers in columns", () => {
  const lines = formatTable([
    { name: "exit.cpuid", value: 113, unit: "instructions", goal: 120 },
    { name: "exit.rdmsr", value: 151, unit: "instructions", goal: 150 },
    { name: "linux.ticks.bare", value: 405_776_528, unit: "ticks", goal: null },
  ]).split("\n");
  expect(lines).toHaveLength(4);
  expect(lines[1]).toMatch(/^exit\.cpuid {2,}113 {2}instructions {2}<= 120 {2}met {5}Xen 4\.17 819, KVM 6\.1 965/);
  expect(lines[2]).toMatch(/<= 150 {2}missed {2}Xen 4\.17 719/);
  expect(lines[3]).toMatch(/^linux\.ticks\.bare {2}405,776,528 {2}ticks$/);
});

test("compares the ticks of Linux with Bulkhead to those of bare Linux", () => {
  expect(linuxFigures(418_619_963, 405_776_528).map(({ name, value, goal }) => [name, value, goal])).toEqual([
    ["linux.ticks.bulkhead", 418_619_963, null],
    ["linux.ticks.bare", 405_776_528, null],
    ["linux.ratio", 1.0317, 1.02],
  ]);
});
