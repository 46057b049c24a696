// Bulkhead's way from its entry to the first instruction of its first partition.

import { kernelElf, partitionElf } from "../build/paths.ts";
import { readElf } from "../emulator/elf.ts";
import { FIRST_GUEST_GOAL, type Figure } from "./figure.ts";
import { runSystem } from "./machine.ts";
import { ticksToBreakpoint } from "./output.ts";

/** One partition, "bench", with 16 MiB. */
const SYSTEM = "bench-exits";

/**
 * A tick of Bochs is an instruction, and each round of a REP-prefixed one counts: of these the kernel's clearing of the
 * partition's memory takes one for each 8 bytes.
 */
export async function benchmarkBoot(): Promise<Figure[]> {
  const stops = [`pb ${hexadecimal(readElf(kernelElf).entry)}`, "c", `lb ${hexadecimal(readElf(partitionElf("bench")).entry)}`, "c", "d 1", "d 2", "c", "q"];
  const { output } = await runSystem(SYSTEM, { debuggerCommands: stops });
  return [{ name: "boot.first-guest", value: ticksToBreakpoint(output, 2) - ticksToBreakpoint(output, 1), unit: "instructions, partition of 16 MiB", goal: FIRST_GUEST_GOAL }];
}

function hexadecimal(address: number): string {
  return `0x${address.toString(16)}`;
}
