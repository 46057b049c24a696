// The vCPU's deadline.

import { timer } from "../monitor";
import { settleMonitorCall } from "../monitor-call";

export function onTimer(): void {
  timer(0);
  settleMonitorCall();
}
