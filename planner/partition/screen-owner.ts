// The screen stays in core 0's reach behind the seal, also for a fatal report of a core 0 that does not print there else. A partition
// that owns the device behind it gets it alone: what others print would reach it there.

import { framebufferAddress, framebufferType } from "../boot/multiboot2";
import { closeScreen } from "../../kernel/console/console";
import { isScreenReachable, screenLength } from "../console/find-screen";
import { ScreenType } from "../../kernel/console/interface";
import { print, printLine } from "../../kernel/console/print";
import { PlanHeader, setHeader64 } from "../../kernel/partition/plan";
import { BARS, PlanFunction, barAddress, barIsIo, barSize, function32, functionCount } from "../../kernel/partition/plan-functions";

/** Base class of display controllers, PCI Code and ID Assignment 1.4. */
const CLASS_DISPLAY: u32 = 0x03;

/** Notes in the plan where the screen lies, unless it is a partition's. */
export function decideScreen(): void {
  if (!isScreenReachable()) return;
  if (isOwnedByPartition()) {
    print("the screen belongs to a partition's device and is no console any more");
    printLine();
    return closeScreen();
  }
  setHeader64(PlanHeader.ScreenAddress, framebufferAddress());
  setHeader64(PlanHeader.ScreenLength, screenLength());
}

function isOwnedByPartition(): bool {
  for (let index: u32 = 0; index < functionCount(); index++) {
    // Text memory lies in no BAR, but in the display controller all the same.
    const isText = framebufferType() == <u32>ScreenType.Text;
    if (isText && function32(index, PlanFunction.ClassRevision) >> 24 == CLASS_DISPLAY) return true;
    for (let bar: u32 = 0; bar < BARS; bar++) {
      if (coversScreen(index, bar)) return true;
    }
  }
  return false;
}

function coversScreen(index: u32, bar: u32): bool {
  if (barIsIo(index, bar)) return false;
  const base = barAddress(index, bar);
  return base < framebufferAddress() + screenLength() && base + barSize(index, bar) > framebufferAddress();
}
