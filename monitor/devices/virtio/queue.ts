// The split virtqueue (virtio 1.2 2.7). What the guest has written in its rings is read once and never trusted.

import { vcpuCount } from "../../configuration";
import { load16, store16, store32 } from "../../imports";

export const MAXIMUM_QUEUE_SIZE: u32 = 256;

/** Instead of the number of a chain's first descriptor. */
export const NO_CHAIN: u32 = u32.MAX_VALUE;
export const BROKEN_RING: u32 = u32.MAX_VALUE - 1;

/** Areas in guest memory, in the order of the registers that give their addresses. */
export const enum Area { Descriptors = 0, Driver = 1, Device = 2, Count = 3 }

const AREA_WORDS: u32 = 6; // two 32-bit words an area
const AREAS = memory.data(24, 8); // Area.Count u64

const INDEX: u64 = 2; // in the driver's and the device's area: flags, index, ring
const RING: u64 = 4;
const NO_INTERRUPT: u32 = 1 << 0; // in the flags of the driver's area

let size: u32 = MAXIMUM_QUEUE_SIZE;
let isEnabled: bool = false;
let taken: u32 = 0;
let used: u32 = 0;

export function resetQueue(): void {
  size = MAXIMUM_QUEUE_SIZE;
  isEnabled = false;
  taken = 0;
  used = 0;
  memory.fill(AREAS, 0, Area.Count << 3);
}

export function queueSize(): u32 {
  return size;
}

export function isQueueEnabled(): bool {
  return isEnabled;
}

/** The driver may choose a smaller power of two before it enables the queue. */
export function setQueueSize(value: u32): void {
  if (!isEnabled && value != 0 && value <= MAXIMUM_QUEUE_SIZE && (value & (value - 1)) == 0) size = value;
}

export function enableQueue(): void {
  isEnabled = true;
}

/** Half of an area's address, by number. */
export function queueAddressWord(word: u32): u32 {
  return word < AREA_WORDS ? load<u32>(AREAS + (word << 2)) : 0;
}

export function setQueueAddressWord(word: u32, value: u32): void {
  if (!isEnabled && word < AREA_WORDS) store<u32>(AREAS + (word << 2), value);
}

/** Guest-physical address of an area. */
export function queueArea(area: Area): u64 {
  return load<u64>(AREAS + (<usize>area << 3));
}

/** Takes the first descriptor of the next chain: its number, NO_CHAIN if none waits, BROKEN_RING if the ring makes no sense. */
export function takeChain(): u32 {
  const driver = queueArea(Area.Driver);
  const waiting = (<u32>load16(driver + INDEX) - taken) & 0xffff;
  if (waiting == 0) return NO_CHAIN;
  if (waiting > size) return BROKEN_RING;
  const head = <u32>load16(driver + RING + ((taken & (size - 1)) << 1));
  taken++;
  return head < size ? head : BROKEN_RING;
}

/** Hands a chain back; `length` is how many bytes the device wrote into it. */
export function putUsed(head: u32, length: u32): void {
  const device = queueArea(Area.Device);
  const element = device + RING + ((used & (size - 1)) << 3);
  store32(element, head);
  store32(element + 4, length);
  used++;
  store16(device + INDEX, <u16>used);
}

/**
 * Whether the driver wants to be interrupted. With several vCPUs another one may just be asking for it, and its store and
 * the load here could pass each other: then it is interrupted always, which it must bear (virtio 1.2 2.7.7.1).
 */
export function wantsInterrupt(): bool {
  return vcpuCount() > 1 || (<u32>load16(queueArea(Area.Driver)) & NO_INTERRUPT) == 0;
}
