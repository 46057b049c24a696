// Console rings of the mailbox: bytes to and from the kernel. Heads and tails count bytes since start and wrap at 2^32.

import { INPUT_RING, Mailbox, OUTPUT_RING } from "../interface";

/** Bytes that can be put before the output ring is full. */
export function outputRoom(): u32 {
  return OUTPUT_RING - (load<u32>(Mailbox.OutputHead) - load<u32>(Mailbox.OutputTail));
}

/** Puts a byte; lost if the ring is full. */
export function putOutput(value: u32): void {
  const head = load<u32>(Mailbox.OutputHead);
  if (head - load<u32>(Mailbox.OutputTail) >= OUTPUT_RING) return;
  store<u8>(Mailbox.OutputRing + (head & (OUTPUT_RING - 1)), <u8>value);
  store<u32>(Mailbox.OutputHead, head + 1);
}

/** Puts ASCII text. */
export function putText(text: string): void {
  for (let index = 0; index < text.length; index++) putOutput(text.charCodeAt(index));
}

export function putDecimal(value: u32): void {
  let divisor: u32 = 1;
  while (value / divisor >= 10) divisor *= 10;
  for (; divisor != 0; divisor /= 10) putOutput(0x30 + (value / divisor) % 10);
}

/** Bytes that wait in the input ring. */
export function inputWaiting(): u32 {
  return load<u32>(Mailbox.InputHead) - load<u32>(Mailbox.InputTail);
}

/** Takes the oldest byte; only if one waits. */
export function takeInput(): u32 {
  const tail = load<u32>(Mailbox.InputTail);
  const value = <u32>load<u8>(Mailbox.InputRing + (tail & (INPUT_RING - 1)));
  store<u32>(Mailbox.InputTail, tail + 1);
  return value;
}
