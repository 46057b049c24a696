// The consoles as they stand, for an instance of the kernel that takes them over (take-over.ts).

import { MAXIMUM_CELLS } from "../../drivers/framebuffer";
import { cursor, shownCells } from "../../drivers/framebuffer-terminal";
import { initialise as initialiseUart } from "../drivers/uart16550-setup";
import { PAGE_SIZE } from "../../kernel/memory/layout";
import { store64 } from "../../kernel/memory/physical";
import { PlanHeader, setHeader64 } from "../../kernel/partition/plan";
import { allocateOrStop } from "../partition/setup";
import { ConsoleDevice, openedConsoles } from "../../kernel/console/devices";
import { setHeader32 } from "../partition/plan-writer";

/** Notes how they stand. What is printed from here on until they are taken over is missing from the screen once it scrolls. */
export function handOverConsoles(): void {
  const opened = openedConsoles();
  const input: u32 = opened & ConsoleDevice.Com1 || initialiseUart() ? ConsoleDevice.Input : ConsoleDevice.None;
  setHeader32(PlanHeader.Consoles, opened | input);
  if (opened & ConsoleDevice.Screen) handOverScreen();
}

function handOverScreen(): void {
  const frames = allocateOrStop((MAXIMUM_CELLS + <u32>PAGE_SIZE - 1) / <u32>PAGE_SIZE);
  for (let i: u32 = 0; i < MAXIMUM_CELLS; i += 8) store64(frames + i, load<u64>(shownCells() + i));
  setHeader64(PlanHeader.ScreenCells, frames);
  setHeader32(PlanHeader.ScreenCursor, cursor());
}
