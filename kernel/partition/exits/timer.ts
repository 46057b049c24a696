// The vCPU's deadline, or core 0's own.

import { currentVcpu } from "../current";
import { keepHouse } from "../housekeeping";
import { timer } from "../monitor";
import { enterMonitor } from "../monitor-lock";
import { settleMonitorCall } from "../monitor-call";

export function onTimer(): void {
  keepHouse();
  if (!enterMonitor()) return;
  timer(currentVcpu());
  settleMonitorCall();
}
