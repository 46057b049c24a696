// The vCPU's deadline, or core 0's own.

import { keepHouse } from "../housekeeping";
import { timer } from "../monitor";
import { settleMonitorCall } from "../monitor-call";

export function onTimer(): void {
  keepHouse();
  timer(0);
  settleMonitorCall();
}
