// Core 0 goes on with the console that spoke for the planner, with what the sealed plan lets it reach.

import { PAGE_SIZE } from "../memory/layout";
import { clear, load64 } from "../memory/physical";
import { PlanHeader, header32, header64 } from "../partition/plan";
import { partitionCount, partitionHasKeyboard, partitionName } from "../policy/reader";
import { attach, giveKeyboard, grant, register, startInput } from "./console";
import { ConsoleGrant } from "./interface";
import { ringPages } from "./ring-layout";
import { placeRings } from "./rings";

/** Grants it the rings and the screen, and nothing else that the planner may have granted. */
export function attachConsole(): void {
  const frames = header64(PlanHeader.Rings);
  const length = <u64>ringPages(header32(PlanHeader.CoreCount)) * PAGE_SIZE;
  clear(frames, length);
  placeRings(frames);
  grant(ConsoleGrant.Rings, frames, length);
  grant(ConsoleGrant.Screen, header64(PlanHeader.ScreenAddress), header64(PlanHeader.ScreenLength));
  attach(header32(PlanHeader.CoreCount));
}

/** From here on it shows partitions by name, and takes what is typed for them. */
export function startConsoleInput(): void {
  for (let partition: u32 = 0; partition < partitionCount(); partition++) {
    const name = partitionName(partition);
    register(partition, load64(name), load64(name + 8), load64(name + 16), load64(name + 24));
    if (partitionHasKeyboard(partition)) giveKeyboard(partition);
  }
  startInput();
}
