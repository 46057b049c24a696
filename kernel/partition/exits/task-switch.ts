// A task switch, which the monitor carries out on the guest's tables and a copy of its registers.

import { AccessStatus } from "../../../monitor/interface";
import { currentVcpu } from "../current";
import { lastStatus } from "../access-status";
import { lendTask, takeBackTask } from "../frame";
import { faulted, taskSwitch } from "../monitor";
import { settleMonitorCall } from "../monitor-call";

/**
 * `qualification`: SDM 3C table 28-2; `next`: where the old task goes on; `errorCode`: all ones if there is none. False if it was
 * refused; true without more where the partition ends or restarts.
 */
export function switchTask(qualification: u32, next: u64, errorCode: u64): bool {
  if (!lendTask(next)) return true;
  taskSwitch(currentVcpu(), qualification, errorCode);
  settleMonitorCall();
  if (faulted()) return true;
  if (lastStatus() != AccessStatus.Done) return false;
  takeBackTask();
  return true;
}
