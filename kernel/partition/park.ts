// A core without a running partition: it sleeps, and core 0 ends the system when no partition runs any more.

import { coreId, idle } from "../boot/stub";
import { pause } from "../cpu/processor";
import { signalCore0 } from "../console/rings";
import { isAnyUnitMasked } from "../vtd/throttle";
import { keepHouse } from "./housekeeping";
import { takePendingInterrupts, withdrawStopped } from "./host-interrupts";
import { finishIfDone } from "./summary";

/** Never returns. */
export function park(): void {
  if (coreId() == 0) withdrawStopped();
  else signalCore0();
  while (true) {
    if (coreId() == 0) finishIfDone();
    idleOnce();
  }
}

/** Sleeps until an interrupt of the machine, and handles it. */
export function idleOnce(): void {
  if (coreId() == 0) sitOutStorm();
  idle();
  takePendingInterrupts();
}

/** Where a storm has masked a unit's interrupts nothing would wake core 0 for its faults: it stays awake until they are unmasked. */
function sitOutStorm(): void {
  while (isAnyUnitMasked()) {
    keepHouse();
    pause();
  }
}
