// Starting the other cores: INIT, SIPI, SIPI, SDM 3A 8.4.4.1.

import { delayMicroseconds } from "../../drivers/tsc";
import { sendInit, sendStartup, SendStatus } from "../../drivers/local-apic";
import { copy, load32, store64 } from "../memory/physical";
import { PlanHeader, header64 } from "../partition/plan";
import { PlanCore, core64, coreApicId } from "../partition/plan-machine";
import { ImageSymbol, imageAddress, Trampoline } from "./stub";

export const enum CoreStatus {
  Started = 0,
  /** The local APIC of core 0 did not send the INIT or SIPI. */
  NotSent = 1,
  /** The core did not leave the trampoline within a second. */
  NoAnswer = 2,
  /** The memory map leaves no page below 1 MiB to start in. */
  NoTrampoline = 3,
}

const INIT_DELAY: u64 = 10_000; // us
const STARTUP_DELAY: u64 = 200; // us
const LOOK_INTERVAL: u64 = 50; // us
const LOOKS: u32 = 20_000;

function waitUntilStarted(page: u64, looks: u32): bool {
  for (let look: u32 = 0; look < looks; look++) {
    if (load32(page + Trampoline.Started) != 0) return true;
    delayMicroseconds(LOOK_INTERVAL);
  }
  return false;
}

/** Readies the page for one core; that it has started is not yet true in it. */
function writeTrampoline(page: u64, pml4: u64): void {
  const code = imageAddress(ImageSymbol.Trampoline);
  copy(page, code, imageAddress(ImageSymbol.TrampolineEnd) - code);
  store64(page + Trampoline.Pml4, pml4);
}

/** Starts core `index` on its page tables. */
export function startCore(index: u32): CoreStatus {
  const apicId = coreApicId(index);
  const page = header64(PlanHeader.Trampoline);
  const vector = <u32>(page >> 12);
  if (page == 0) return CoreStatus.NoTrampoline;
  writeTrampoline(page, core64(index, PlanCore.Pml4));
  if (sendInit(apicId) != SendStatus.Sent) return CoreStatus.NotSent;
  delayMicroseconds(INIT_DELAY);
  if (sendStartup(apicId, vector) != SendStatus.Sent) return CoreStatus.NotSent;
  if (waitUntilStarted(page, <u32>(STARTUP_DELAY / LOOK_INTERVAL))) return CoreStatus.Started;
  if (sendStartup(apicId, vector) != SendStatus.Sent) return CoreStatus.NotSent;
  return waitUntilStarted(page, LOOKS) ? CoreStatus.Started : CoreStatus.NoAnswer;
}
