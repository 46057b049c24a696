// The vCPU's deadline, or core 0's own.

import { currentVcpu } from "../current";
import { keepHouse } from "../housekeeping";
import { timer } from "../monitor";
import { settleMonitorCall } from "../monitor-call";

export function onTimer(): void {
  keepHouse();
  timer(currentVcpu());
  settleMonitorCall();
}
