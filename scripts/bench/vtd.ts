// What VT-d costs the kernel: tables, invalidations and faults, measured inside a kernel that runs in QEMU (Bochs has no
// VT-d). An instruction there takes one count of the TSC, and so does each access to a register of the unit, which real
// hardware answers in up to a microsecond.

import { COMPLETE, runVtdKernel, type VtdOutput } from "../test-kernels/vtd-kernel.ts";
import { UserError } from "../error.ts";
import type { Figure } from "./figure.ts";
import { lastLines } from "./output.ts";

/** Test of tests/fixtures/vtd/main.ts. */
const TEST = "bench";
const TIMEOUT_SECONDS = 300;
/** One ns for each instruction, the unit of the TSC. */
const INSTRUCTION_SHIFT = 0;

/** A map or unmap is of 1 GiB; an unmap includes that the unit forgets the range. */
const INSTRUCTIONS = [
  ...["vtd.map.4k", "vtd.map.2m", "vtd.map.1g", "vtd.unmap.4k", "vtd.unmap.2m", "vtd.unmap.1g"],
  ...["vtd.attach", "vtd.detach"], // a source id to and from a domain
  ...["vtd.fault.told", "vtd.fault.counted"], // a fault that gets a line, and one like the last, which is only counted
];
const INVALIDATIONS = ["vtd.invalidations.map", "vtd.invalidations.unmap", "vtd.invalidations.attach", "vtd.invalidations.detach"];
/** Under a storm nearly all faults are like the last one. */
const STORM = "vtd.fault.counted";
const INSTRUCTIONS_PER_SECOND = 1e9;

export async function benchmarkVtd(): Promise<Figure[]> {
  const output = await runVtdKernel(`vtd=${TEST}`, { instructionShift: INSTRUCTION_SHIFT, timeoutSeconds: TIMEOUT_SECONDS });
  const { result } = output;
  if (result.status !== COMPLETE) {
    throw new UserError(`the benchmark of VT-d did not end well\n${lastLines(result.output + result.log)}`, "See what its last lines say; a host under load needs longer.");
  }
  return vtdFigures(output);
}

/** Throws if a figure is missing or an operation did not do its work. */
export function vtdFigures(output: VtdOutput): Figure[] {
  const failed = output.section(TEST).find((line) => line.endsWith(": no"));
  if (failed !== undefined) throw new UserError(`the benchmark of VT-d measured nothing: ${failed}`, "Run the tests in tests/boot/vtd.");
  const figure = (unit: string) => (name: string): Figure => ({ name, value: output.measured(TEST, name), unit, goal: null });
  const rate = Math.round(INSTRUCTIONS_PER_SECOND / output.measured(TEST, STORM));
  return [
    ...INSTRUCTIONS.map(figure("instructions")),
    ...INVALIDATIONS.map(figure("invalidations")),
    { name: "vtd.faults-per-second", value: rate, unit: "faults/s at 10^9 instructions/s", goal: null },
  ];
}
