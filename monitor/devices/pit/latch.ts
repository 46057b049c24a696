// Reading a channel: counter latch and read-back commands, byte order (Intel 8254 data sheet, "Read Operations").

import { Access, Channel, countAt, outputAt } from "./channel";

/** Status byte of the read-back command. */
const enum Status {
  NullCount = 1 << 6,
  Output = 1 << 7,
}

/** Holds the count at PIT tick `time` until it is read; a count that is still held stays. */
export function latchCount(target: Channel, time: u64): void {
  if (target.latchedBytes != 0) return;
  target.latchedCount = countAt(target, time);
  target.latchedBytes = target.access;
}

/** Holds the status at PIT tick `time` until it is read. */
export function latchStatus(target: Channel, time: u64): void {
  if (target.hasLatchedStatus != 0) return;
  target.hasLatchedStatus = 1;
  target.latchedStatus = (outputAt(target, time) ? Status.Output : 0)
    | (target.isLoaded != 0 && target.next == 0 ? 0 : Status.NullCount)
    | (target.access << 4) | (target.mode << 1) | target.isDecimal;
}

function readLatched(target: Channel): u32 {
  const readsLow = (target.latchedBytes & Access.Low) != 0;
  target.latchedBytes &= readsLow ? Access.High : 0;
  return readsLow ? target.latchedCount & 0xff : target.latchedCount >> 8;
}

function readCount(target: Channel, time: u64): u32 {
  const count = countAt(target, time);
  switch (target.access) {
    case Access.Low: return count & 0xff;
    case Access.High: return count >> 8;
  }
  target.readsHigh ^= 1;
  return target.readsHigh != 0 ? count & 0xff : count >> 8;
}

/** Next byte of a channel: latched status, then latched count, then the count as it runs. */
export function readChannel(target: Channel, time: u64): u32 {
  if (target.hasLatchedStatus != 0) {
    target.hasLatchedStatus = 0;
    return target.latchedStatus;
  }
  return target.latchedBytes != 0 ? readLatched(target) : readCount(target, time);
}
