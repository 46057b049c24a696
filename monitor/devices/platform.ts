// All virtual devices together: reset, timers, interrupt acknowledge.

import { now } from "../imports";
import { MAXIMUM_VCPUS } from "../interface";
import { resetClock } from "./clock";
import { resetDeadlines } from "./deadlines";
import { resetIoApic } from "./io-apic";
import { forgetExternal, refreshPending, serviceInterrupt, takesExternal } from "./local-apic/priority";
import { powerUpLocalApics } from "./local-apic/reset";
import { runLocalTimer } from "./local-apic/timer";
import { resetPlatformMsrs } from "./msr/platform-msr";
import { clearPartitionRequest } from "./partition-request";
import { resetPci } from "./pci/mechanism";
import { acknowledgePic, resetPic } from "./pic/pic";
import { resetPit, runPit } from "./pit/pit";
import { resetPowerManagement, runPowerManagement } from "./power-management";
import { resetResetPorts } from "./reset-ports";
import { resetRtc, runRtc } from "./rtc/rtc";
import { resetTestDevice } from "./test-device";
import { resetTextScreen } from "./text-screen";
import { resetUart, runUart } from "./uart/uart";
import { runDisk } from "./virtio/device";
import { clearKick, resetVcpuMailbox, setCaller } from "./vcpu-mailbox";

/** The state after power-up. The console rings go on: the kernel may not have drained them. */
export function resetPlatform(): void {
  setCaller(0);
  for (let vcpu: u32 = 0; vcpu < MAXIMUM_VCPUS; vcpu++) resetVcpuMailbox(vcpu);
  clearPartitionRequest();
  resetClock();
  resetDeadlines();
  powerUpLocalApics();
  resetPlatformMsrs();
  resetIoApic();
  resetPic();
  resetPit();
  resetUart();
  resetRtc();
  resetPowerManagement();
  resetResetPorts();
  resetPci();
  clearKick();
  resetTestDevice();
  resetTextScreen();
}

/** Fires the timers of a vCPU that are due; vCPU 0 carries the platform's. */
export function runTimers(vcpu: u32): void {
  const time = now();
  runLocalTimer(vcpu, time);
  if (vcpu != 0) return;
  runPit(time);
  runRtc(time);
  runUart(time);
  runDisk(time);
  runPowerManagement(time);
}

/** Moves the pending interrupt into service and returns its vector; 0 if it has gone. */
export function acknowledgeInterrupt(vcpu: u32): u32 {
  if (!takesExternal(vcpu)) return serviceInterrupt(vcpu);
  forgetExternal(vcpu);
  const vector = acknowledgePic();
  refreshPending(vcpu);
  return vector;
}
