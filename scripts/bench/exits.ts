// What an exit costs a guest, and how long the kernel takes to its first partition.

import { kernelElf } from "../build/paths.ts";
import { readElf } from "../emulator/elf.ts";
import { EXIT_GOALS, type Figure } from "./figure.ts";
import { runSystem } from "./machine.ts";
import { exitFigure, partitionStart, ticksToBreakpoint } from "./output.ts";

const SYSTEM = "bench-exits";
/** Bochs's Ice Lake has IA32_SPEC_CTRL and IA32_FLUSH_CMD, so it can carry out every sequence. */
const GUARDED_MODEL = "corei7_icelake_u";

/** Instructions from the guest's exiting instruction to its next one, with the three of the measuring loop. */
export async function benchmarkExits(): Promise<Figure[]> {
  const entry = readElf(kernelElf).entry;
  const { output } = await runSystem(SYSTEM, { debuggerCommands: [`pb 0x${entry.toString(16)}`, "c", "d 1", "c", "q"] });
  const exits = Object.entries(EXIT_GOALS).map(([name, goal]) => ({ name, value: exitFigure(output, name), unit: "instructions", goal }));
  const boot = partitionStart(output, "bench") - ticksToBreakpoint(output);
  const speculation = { name: "exit.speculation", value: await sequenceCost(), unit: "instructions", goal: null };
  return [...exits, speculation, { name: "boot.kernel", value: boot, unit: "ticks", goal: null }];
}

/** What all sequences against speculation add to an exit and its entry. A processor that needs none runs none of them. */
async function sequenceCost(): Promise<number> {
  const [plain, guarded] = [await runSystem(SYSTEM), await runSystem(SYSTEM, { cpuModel: GUARDED_MODEL }, "mitigations=all")];
  return exitFigure(guarded.output, "exit.cpuid") - exitFigure(plain.output, "exit.cpuid");
}
