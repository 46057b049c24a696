// The screen stays in core 0's reach behind the seal, also for a fatal report of a core 0 that does not print there else. A partition
// that owns the device behind it gets it alone: what others print would reach it there.

import { ScreenType } from "../../drivers/framebuffer";
import { framebufferAddress, framebufferType } from "../boot/multiboot2";
import { leaveScreen } from "../console/devices";
import { print, printLine } from "../console/print";
import { isScreenReachable, screenLength } from "../console/screen";
import { addDirectRange } from "../memory/direct-ranges";
import { Mapping } from "../memory/paging";
import { BARS, PlanFunction, barAddress, barIsIo, barSize, function32, functionCount } from "./plan-functions";

/** Base class of display controllers, PCI Code and ID Assignment 1.4. */
const CLASS_DISPLAY: u32 = 0x03;

export function addScreenRange(): void {
  if (!isScreenReachable()) return;
  if (isOwnedByPartition()) {
    print("the screen belongs to a partition's device and is no console any more");
    printLine();
    return leaveScreen();
  }
  // Cached as far as the page tables go: the firmware's MTRRs make it UC or WC, SDM 3A table 12-7.
  addDirectRange(framebufferAddress(), screenLength(), Mapping.Writable);
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
