// What an exit costs a guest.

import { EXIT_GOALS, IPI_GOAL, type Figure } from "./figure.ts";
import { runSystem } from "./machine.ts";
import { exitFigure } from "./output.ts";

const SYSTEM = "bench-exits";
/** Two vCPUs on two cores (partitions/smp); Bochs counts a tick for an instruction of each. */
const IPI_SYSTEM = "bench-ipi";
/** Bochs's Ice Lake has IA32_SPEC_CTRL and IA32_FLUSH_CMD, so it can carry out every sequence. */
const GUARDED_MODEL = "corei7_icelake_u";

/** Instructions from the guest's exiting instruction to its next one, with the three of the measuring loop. */
export async function benchmarkExits(): Promise<Figure[]> {
  const { output } = await runSystem(SYSTEM);
  const exits = Object.entries(EXIT_GOALS).map(([name, goal]) => ({ name, value: exitFigure(output, name), unit: "instructions", goal }));
  const speculation = { name: "exit.speculation", value: await sequenceCost(output), unit: "instructions", goal: null };
  const ipis = [await interruptCost("exit.ipi", "", IPI_GOAL), await interruptCost("exit.ipi.virtualised", "apic-virtualisation=on", null)];
  return [...exits, ...ipis, speculation];
}

/** An interrupt between vCPUs: the goal is for local APICs in software; for Bochs, which looks at RVI too seldom, the virtualised ones cost more. */
async function interruptCost(name: string, words: string, goal: number | null): Promise<Figure> {
  const { output } = await runSystem(IPI_SYSTEM, { cores: 2 }, words);
  return { name, value: exitFigure(output, "exit.ipi"), unit: "instructions", goal };
}

/** What all sequences against speculation add to an exit and its entry. A processor that needs none runs none of them. */
async function sequenceCost(plain: string): Promise<number> {
  const guarded = await runSystem(SYSTEM, { cpuModel: GUARDED_MODEL }, "mitigations=all");
  return exitFigure(guarded.output, "exit.cpuid") - exitFigure(plain, "exit.cpuid");
}
