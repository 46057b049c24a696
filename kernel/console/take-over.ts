// The consoles as the plan says that they are: open, with what was printed so far.

import { PlanHeader, header32, header64 } from "../partition/plan";
import { ConsoleDevice, useConsoles } from "./devices";
import { attachScreen, placeScreen } from "./screen";

/** Core 0: goes on with the consoles. Where the screen lies must have been checked. */
export function takeOverConsoles(): void {
  placeScreen(
    header64(PlanHeader.ScreenAddress), header32(PlanHeader.ScreenPitch), header32(PlanHeader.ScreenWidth), header32(PlanHeader.ScreenHeight),
    header32(PlanHeader.ScreenBits), header32(PlanHeader.ScreenType),
  );
  const opened = header32(PlanHeader.Consoles);
  if (opened & ConsoleDevice.Screen) attachScreen(header64(PlanHeader.ScreenCells), header32(PlanHeader.ScreenCursor));
  useConsoles(opened);
}

/** Bytes of the screen, which begins at PlanHeader.ScreenAddress. */
export function plannedScreenLength(): u64 { return <u64>header32(PlanHeader.ScreenPitch) * header32(PlanHeader.ScreenHeight); }
