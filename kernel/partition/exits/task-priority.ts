// CR8 of the vCPU: the task priority of its virtual local APIC.

import { currentVcpu } from "../current";
import { taskPriorityRead, taskPriorityWrite } from "../monitor";
import { enterMonitor } from "../monitor-lock";
import { settleMonitorCall } from "../monitor-call";

export function read(): u64 {
  if (!enterMonitor()) return 0;
  const value = taskPriorityRead(currentVcpu());
  settleMonitorCall();
  return value;
}

export function write(value: u32): void {
  if (!enterMonitor()) return;
  taskPriorityWrite(currentVcpu(), value);
  settleMonitorCall();
}
