// What an exit costs a guest, and how long the kernel takes to its first partition.

import { kernelElf } from "../build/paths.ts";
import { readElf } from "../emulator/elf.ts";
import { EXIT_GOALS, type Figure } from "./figure.ts";
import { runSystem } from "./machine.ts";
import { exitFigure, partitionStart, ticksToBreakpoint } from "./output.ts";

/** Instructions from the guest's exiting instruction to its next one, with the three of the measuring loop. */
export async function benchmarkExits(): Promise<Figure[]> {
  const entry = readElf(kernelElf).entry;
  const { output } = await runSystem("bench-exits", { debuggerCommands: [`pb 0x${entry.toString(16)}`, "c", "d 1", "c", "q"] });
  const exits = Object.entries(EXIT_GOALS).map(([name, goal]) => ({ name, value: exitFigure(output, name), unit: "instructions", goal }));
  const boot = partitionStart(output, "bench") - ticksToBreakpoint(output);
  return [...exits, { name: "boot.kernel", value: boot, unit: "ticks", goal: null }];
}
