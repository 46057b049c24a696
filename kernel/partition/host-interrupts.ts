// Interrupts of the real machine: typed bytes and other cores' calls.

import { coreId } from "../boot/stub";
import { withdraw } from "../console/console";
import { drainRings, onInputInterrupt, takeInput } from "../console/partitions";
import { endOfInterrupt } from "../../drivers/local-apic";
import { HostVector } from "../../drivers/vectors";
import { Device, INPUT_RING, Mailbox } from "../../monitor/interface";
import { Fixed } from "../memory/layout";
import { partitionCount } from "../policy/reader";
import { currentPartition, currentVcpu, hasDevice } from "./current";
import { attachAgain, checkDeviceViolations, takeFaults } from "./device-violations";
import { hasFunctions, onDeviceMessage, onPostedMessages } from "./functions";
import { lookAround } from "./kick";
import { enterMonitor } from "./monitor-lock";
import { settleMonitorCall } from "./monitor-call";
import { input, peek32, poke32, poke8 } from "./monitor";
import { NO_PARTITION } from "./plan";
import { PartitionState, state } from "./status-page";
import { onNotification } from "./virtual-interrupts";

export function onHostInterrupt(vector: u32): void {
  if (vector == HostVector.Kick) {
    endOfInterrupt();
    return lookAround();
  }
  if (vector == HostVector.PostedInterrupt) {
    endOfInterrupt();
    return onNotification();
  }
  if (vector >= <u32>HostVector.DeviceFirst && vector <= <u32>HostVector.DeviceLast) onDeviceMessage(vector);
  else if (vector == HostVector.ConsoleInput) onInputInterrupt();
  else if (vector == HostVector.DevicesPosted && hasFunctions()) onPostedMessages(currentPartition());
  else if (vector == HostVector.RemappingFault) takeFaults();
  else if (vector == HostVector.Mailbox) onMailbox();
  if (vector != HostVector.Spurious) endOfInterrupt();
  passInput();
}

/** Another core calls: core 0 for what it put down there, any other core for what core 0 put down. */
function onMailbox(): void {
  if (coreId() == 0) onReports();
  if (currentVcpu() == 0) checkDeviceViolations();
}

/** Core 0: another core has output, its partition stopped, or its devices were reset. */
function onReports(): void {
  drainRings();
  withdrawStopped();
  attachAgain();
}

/** Core 0: the keyboard passes over partitions that have stopped. */
export function withdrawStopped(): void {
  for (let partition: u32 = 0; partition < partitionCount(); partition++) {
    if (state(partition) == PartitionState.Stopped) withdraw(partition);
  }
}

/** On the first vCPU's core: hands what was typed for the partition to its UART; a partition without one reads it by hypercall. */
export function passInput(): void {
  const partition = currentPartition();
  if (currentVcpu() != 0 || partition == NO_PARTITION || state(partition) != PartitionState.Running || !hasDevice(Device.Uart)) return;
  if (!enterMonitor()) return;
  const head = peek32(Mailbox.InputHead);
  let next = head;
  while (next - peek32(Mailbox.InputTail) < INPUT_RING) {
    const byte = takeInput(partition);
    if (byte < 0) break;
    poke8(Mailbox.InputRing + (next & (INPUT_RING - 1)), <u8>byte);
    next++;
  }
  if (next == head) return;
  poke32(Mailbox.InputHead, next);
  input(currentVcpu());
  settleMonitorCall();
}

/** The vectors that the floor noted while the core was idle. */
export function takePendingInterrupts(): void {
  for (let word: u32 = 0; word < 4; word++) {
    const address = <usize>Fixed.PendingVectors + (word << 3);
    let bits = load<u64>(address);
    store<u64>(address, 0);
    for (; bits != 0; bits &= bits - 1) onHostInterrupt((word << 6) + <u32>ctz(bits));
  }
}
