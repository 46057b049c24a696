// A core without a running partition: it sleeps, and core 0 ends the system when no partition runs any more.

import { coreId, idle } from "../boot/stub";
import { signalCore0 } from "../console/rings";
import { takePendingInterrupts, withdrawStopped } from "./host-interrupts";
import { finishIfDone } from "./summary";

/** Never returns. */
export function park(): void {
  if (coreId() == 0) withdrawStopped();
  else signalCore0();
  while (true) {
    if (coreId() == 0) finishIfDone();
    idle();
    takePendingInterrupts();
  }
}
