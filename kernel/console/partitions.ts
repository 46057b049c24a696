// Output and input of the partitions: on core 0 by the console, on other cores through their rings.

import { identifier, sendFixed } from "../../drivers/local-apic";
import { HostVector } from "../../drivers/vectors";
import { vcpuApicId } from "../partition/plan";
import { partitionCount } from "../policy/reader";
import { drain, faulted, interrupt, putPartition } from "./console";
import { CALL_AGAIN } from "./interface";
import { NO_ENTRY } from "./ring-layout";
import { closeRings, isAttached, putPartitionRingByte, takeInputByte } from "./rings";

/** What takeInput() returns when no byte waits. */
export const NO_INPUT: i32 = -1;

/** Takes one byte of output of a partition of this core; false if there is no room for it now. */
export function putPartitionByte(partition: u32, byte: u8): bool {
  if (isAttached()) return putPartitionRingByte(partition, byte);
  putPartition(partition, byte);
  return true;
}

/** Next byte typed for a partition of this core, or NO_INPUT. */
export function takeInput(partition: u32): i32 {
  const byte = takeInputByte(partition);
  return byte == NO_ENTRY ? NO_INPUT : <i32>byte;
}

/** Core 0: has the console serve COM1, whose interrupts come for input and for output; the caller signals the end of the interrupt. */
export function onInputInterrupt(): void {
  const signals = interrupt();
  for (let partition: u32 = 0; partition < partitionCount(); partition++) {
    if ((signals >> partition) & 1) sendFixed(vcpuApicId(partition, 0), HostVector.Mailbox);
  }
  callAgain((signals & CALL_AGAIN) != 0);
}

/** Core 0: has the console print what the other cores put into their rings. */
export function drainRings(): void { callAgain(drain() != 0); }

/** What a long ring leaves over is taken up at once by a further interrupt, so that no exit lasts long. */
function callAgain(wanted: bool): void {
  if (faulted()) closeRings();
  else if (wanted) sendFixed(identifier(), HostVector.Mailbox);
}
