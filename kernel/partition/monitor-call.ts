// What follows every call into the monitor: its fault, its request, the vCPUs to kick; and before the next entry its output.

import { Mailbox, OUTPUT_RING, PartitionRequest } from "../../monitor/interface";
import { putPartitionByte } from "../console/partitions";
import { pause } from "../cpu/processor";
import { Attention, attend } from "./attention";
import { currentPartition, currentVcpu } from "./current";
import { keepHouse } from "./housekeeping";
import { kick } from "./kick";
import { StopReason, onMonitorFault, resetPartition, stopPartition } from "./intent";
import { faulted, peek32, peek8, poke32 } from "./monitor";
import { wish } from "./status-page";
import { post } from "./virtual-interrupts";

/** Attempts to pass on a byte of output while core 0 makes room, before the byte is dropped. */
const OUTPUT_ATTEMPTS: u32 = 1_000_000;

/** Of Mailbox.Kick: the vCPUs whose cores must look, and behind them those to whom is posted. */
const LOOKING: u32 = 0xff;
const POST_SHIFT: u32 = 8;

/** The UART's FIFO, which a driver fills once it has seen that there is room. */
const OUTPUT_MARGIN: u32 = 16;

/** Head of the output ring at this core's last kick. */
let announced: u32 = 0;

// @ts-ignore: decorator
@inline
export function settleMonitorCall(): void {
  attend(Attention.Record);
  if (faulted() | peek32(Mailbox.Request) | peek32(Mailbox.Kick)) settle();
}

function settle(): void {
  if (faulted()) return onMonitorFault();
  const kicked = peek32(Mailbox.Kick);
  if (kicked != 0) {
    poke32(Mailbox.Kick, 0);
    kick(kicked & LOOKING);
    post(kicked >> POST_SHIFT);
  }
  const request = peek32(Mailbox.Request);
  if (request == PartitionRequest.None) return;
  poke32(Mailbox.Request, PartitionRequest.None);
  if (request == PartitionRequest.Reset) resetPartition();
  else stopPartition(StopReason.PoweredOff);
}

/**
 * The first vCPU's core passes on what all have put into the ring, so that lines stay whole. It has left the monitor: the ring has one
 * reader, and nobody waits for the lock while the console is slow.
 */
// @ts-ignore: decorator
@inline
export function passOutput(): void {
  if (peek32(Mailbox.OutputHead) ^ peek32(Mailbox.OutputTail)) currentVcpu() == 0 ? emptyRing() : handOver();
}

function emptyRing(): void {
  const head = peek32(Mailbox.OutputHead);
  let tail = peek32(Mailbox.OutputTail);
  // A ring that claims more than it holds comes from a broken monitor: what it holds is passed on, no more.
  if (head - tail > OUTPUT_RING) tail = head - OUTPUT_RING;
  for (; tail != head; tail++) putByte(peek8(Mailbox.OutputRing + (tail & (OUTPUT_RING - 1))));
  poke32(Mailbox.OutputTail, head);
}

/** Another vCPU: one kick for all that the first has not taken since the last; with the ring nearly full it waits for room. */
function handOver(): void {
  const waiting = announced - peek32(Mailbox.OutputTail);
  if (waiting == 0 || waiting > OUTPUT_RING) {
    announced = peek32(Mailbox.OutputHead);
    kick(1);
  }
  for (let attempt: u32 = 0; attempt < OUTPUT_ATTEMPTS && isNearlyFull() && wish(currentPartition()) == 0; attempt++) {
    keepHouse(); // on core 0, for whose consoles the first vCPU may be waiting
    pause();
  }
}

function isNearlyFull(): bool { return peek32(Mailbox.OutputHead) - peek32(Mailbox.OutputTail) > OUTPUT_RING - OUTPUT_MARGIN; }

/** Passes on one byte of the partition's output. */
export function putByte(byte: u8): void {
  for (let attempt: u32 = 0; attempt < OUTPUT_ATTEMPTS; attempt++) {
    if (putPartitionByte(currentPartition(), byte)) return;
    pause();
  }
}
