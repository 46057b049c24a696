// What follows every call into the monitor: its fault, its request and its output.

import { Mailbox, OUTPUT_RING, PartitionRequest } from "../../monitor/interface";
import { putPartitionByte } from "../console/partitions";
import { pause } from "../cpu/processor";
import { Attention, attend } from "./attention";
import { currentPartition } from "./current";
import { StopReason, onMonitorFault, resetPartition, stopPartition } from "./lifecycle";
import { faulted, peek32, peek8, poke32 } from "./monitor";

/** Attempts to pass on a byte of output while core 0 makes room, before the byte is dropped. */
const OUTPUT_ATTEMPTS: u32 = 1_000_000;

// @ts-ignore: decorator
@inline
export function settleMonitorCall(): void {
  attend(Attention.Record);
  if (faulted() | peek32(Mailbox.Request) | (peek32(Mailbox.OutputHead) ^ peek32(Mailbox.OutputTail))) settle();
}

function settle(): void {
  if (faulted()) return onMonitorFault();
  passOutput();
  const request = peek32(Mailbox.Request);
  if (request == PartitionRequest.None) return;
  poke32(Mailbox.Request, PartitionRequest.None);
  if (request == PartitionRequest.Reset) resetPartition();
  else stopPartition(StopReason.PoweredOff);
}

function passOutput(): void {
  const head = peek32(Mailbox.OutputHead);
  let tail = peek32(Mailbox.OutputTail);
  // A ring that claims more than it holds comes from a broken monitor: what it holds is passed on, no more.
  if (head - tail > OUTPUT_RING) tail = head - OUTPUT_RING;
  for (; tail != head; tail++) putByte(peek8(Mailbox.OutputRing + (tail & (OUTPUT_RING - 1))));
  poke32(Mailbox.OutputTail, head);
}

/** Passes on one byte of the partition's output. */
export function putByte(byte: u8): void {
  for (let attempt: u32 = 0; attempt < OUTPUT_ATTEMPTS; attempt++) {
    if (putPartitionByte(currentPartition(), byte)) return;
    pause();
  }
}
