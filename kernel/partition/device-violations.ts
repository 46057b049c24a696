// What devices did outside their grants: core 0 takes the faults of the units and counts them; the core of the partition
// that owns the device carries out what its policy says.

import { coreId } from "../boot/stub";
import { signalCore0 } from "../console/rings";
import { print, printLine } from "../console/print";
import { delayMicroseconds } from "../../drivers/tsc";
import { sendFixed } from "../../drivers/local-apic";
import { HostVector } from "../../drivers/vectors";
import { HealthAction } from "../policy/layout";
import { onDeviceViolation, partitionCount } from "../policy/reader";
import { switchOn } from "../vtd/context-entry";
import { drainFaults, unmaskFaultEvents, violationsOf } from "../vtd/fault";
import { sourceAt, sourceCount } from "../vtd/sources";
import { unitAt, unitCount } from "../vtd/unit";
import { currentPartition, currentVcpu, printPartitionName } from "./current";
import { attachedGeneration, deviceViolations, setAttachedGeneration, setDeviceViolations } from "./device-reports";
import { StopReason, applyHealthAction, hasIntent } from "./intent";
import { NO_PARTITION, vcpuApicId } from "./plan";
import { PartitionState, countViolation, deviceGeneration, setDeviceGeneration, state } from "./status-page";

const WAIT_MICROSECONDS: u64 = 100;
/** Times that a core waits for core 0 to attach its devices again, half a second in all. */
const WAITS: u32 = 5000;

let seen: u32 = 0;

/** Core 0: takes what the units recorded. */
export function takeFaults(): void {
  for (let i: u32 = 0; i < unitCount(); i++) {
    if (unitAt(i).isTranslating != 0) drainFaults(unitAt(i));
  }
  publishViolations();
}

/** Core 0, from time to time: also if a unit's interrupt was lost, or masked in a storm. */
export function lookAfterUnits(): void {
  takeFaults();
  unmaskFaultEvents();
  attachAgain();
}

function publishViolations(): void {
  for (let partition: u32 = 0; partition < partitionCount(); partition++) {
    if (violationsOf(partition) == deviceViolations(partition)) continue;
    setDeviceViolations(partition, violationsOf(partition));
    if (partition == currentPartition()) checkDeviceViolations();
    else sendFixed(vcpuApicId(partition, 0), HostVector.Mailbox);
  }
}

/** The core of the partition: carries out its health action for what core 0 has counted since the last look. */
export function checkDeviceViolations(): void {
  const partition = currentPartition();
  if (partition == NO_PARTITION || deviceViolations(partition) == seen) return;
  seen = deviceViolations(partition);
  countViolation(partition, currentVcpu());
  const action = onDeviceViolation(partition);
  if (action == HealthAction.Ignore || hasIntent() || state(partition) != PartitionState.Running) return;
  applyHealthAction(action, StopReason.DeviceViolation);
}

/**
 * Has core 0 give back to the partition's devices what a storm of faults took from them; they have been reset before.
 * Core 0 does not answer if it has stopped: then the devices stay off.
 */
export function requestAttachment(): void {
  const partition = currentPartition();
  const generation = deviceGeneration(partition) + 1;
  setDeviceGeneration(partition, generation);
  if (coreId() == 0) return attachAgain();
  signalCore0();
  for (let wait: u32 = 0; wait < WAITS; wait++) {
    if (attachedGeneration(partition) == generation) return;
    delayMicroseconds(WAIT_MICROSECONDS);
  }
  print("partition ");
  printPartitionName(partition);
  print(": core 0 did not answer, devices that were switched off stay so");
  printLine();
}

/** Core 0: carries out the requests of all cores. */
export function attachAgain(): void {
  for (let partition: u32 = 0; partition < partitionCount(); partition++) {
    const generation = deviceGeneration(partition);
    if (generation == attachedGeneration(partition)) continue;
    attachSources(partition);
    setAttachedGeneration(partition, generation);
  }
}

function attachSources(partition: u32): void {
  for (let i: u32 = 0; i < sourceCount(); i++) {
    const source = sourceAt(i);
    if (source.partition == partition && source.isOff != 0) switchOn(unitAt(source.unit), source);
  }
}
