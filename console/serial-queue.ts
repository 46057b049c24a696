// What waits for COM1, which takes 87 us for a byte: the transmitter's interrupt sends it, so that core 0 goes on with
// its own partition. Until interrupts are in use, and while a core stops, bytes are waited for instead.

import { canSend, send, setTransmitInterrupt, waitToSend } from "./uart16550";

const CAPACITY: u32 = 8192;
const bytes: usize = memory.data(8192);

/** Bytes put and taken since start; the index of a byte is its number modulo CAPACITY. */
let head: u32 = 0;
let tail: u32 = 0;
let queueing: bool = false;

export function startQueueing(): void {
  queueing = true;
}

/** What waits is sent, and every further byte is waited for. */
export function stopQueueing(): void {
  flushSerial();
  queueing = false;
}

/** Bytes that are taken now without a wait. */
export function serialRoom(): u32 { return queueing ? CAPACITY - (head - tail) : u32.MAX_VALUE; }

function sendFirst(): void {
  send(load<u8>(bytes + (tail % CAPACITY)));
  tail++;
}

/** Takes a byte; false if the UART had to be waited for and did not take one in time. */
export function putSerial(byte: u8): bool {
  if (!queueing) {
    if (!waitToSend()) return false;
    send(byte);
    return true;
  }
  if (head - tail == CAPACITY) {
    if (!waitToSend()) return false;
    sendFirst();
  }
  const wasEmpty = head == tail;
  store<u8>(bytes + (head % CAPACITY), byte);
  head++;
  sendQueued();
  if (wasEmpty && head != tail) setTransmitInterrupt(true);
  return true;
}

function sendQueued(): void {
  while (head != tail && canSend()) sendFirst();
}

/** The transmitter is empty: sends what waits, and asks for no more interrupts when that is all. */
export function onTransmitterEmpty(): void {
  sendQueued();
  if (head == tail) setTransmitInterrupt(false);
}

/** Sends all that waits; false if the UART stopped to take it. What is left then is lost. */
export function flushSerial(): bool {
  while (head != tail) {
    if (!waitToSend()) {
      tail = head;
      return false;
    }
    sendFirst();
  }
  return true;
}
