// Translation off: the attacks of isolation.test.ts succeed, from every place that a device can be plugged in.

import { beforeAll, expect, test } from "vitest";
import { COMPLETE, runVtdKernel, type VtdOutput } from "../../../scripts/test-kernels/vtd-kernel.ts";

const READS = ["open: kernel memory is read", "open: another partition's memory is read"];
const WRITES = [
  "open: kernel memory is written",
  "open: another partition's memory is written",
  "open: across a page edge",
  "open: beyond the partition's memory",
  "open: by a device of nobody",
  "open: from behind a PCIe root port",
  "open: from behind a PCIe-to-PCI bridge",
  "open: from behind a PCI bridge",
];

let output: VtdOutput;
beforeAll(async () => {
  output = await runVtdKernel("vtd=open");
});

test.each(READS)("%s", (name) => {
  expect(output.section(name)).toEqual(["transfers end: yes", "secret in the attacker's memory: yes"]);
});

test.each(WRITES)("%s", (name) => {
  expect(output.section(name)).toEqual(["transfers end: yes", "victim overwritten: yes"]);
});

test("nothing else ran, and the kernel came to its end", () => {
  expect([...output.tests].sort()).toEqual([...READS, ...WRITES].sort());
  expect(output.result.status).toBe(COMPLETE);
});
