// Posted-interrupt descriptors, VT-d 4.1 9.11 and SDM 3C 30.6: hardware collects the interrupts for a core in one and
// notifies the core once, however many there are. 64 bytes, aligned to 64:
//
//   0   PIR, 256 bits: one a vector     32  u32: ON bit 0, SN bit 1, NV bits 23:16     36  u32 NDST     40  reserved

import { compareExchange32, load32 } from "../memory/physical";

/** Bytes of a descriptor. */
export const DESCRIPTOR_SIZE: u64 = 64;
/** u32 words of PIR. */
export const REQUEST_WORDS: u32 = 8;

export const enum Descriptor {
  Control = 32,
  Destination = 36, // NDST
}

const OUTSTANDING: u32 = 1 << 0; // ON
export const NOTIFICATION_VECTOR_SHIFT: u32 = 16; // NV
/** Hardware only sets bits of a word, so that each failed exchange means at least one bit more. */
const EXCHANGES: u32 = 33;

/**
 * Takes the vectors that hardware posted: `out` gets 8 u32, bit n of word w for vector 32w + n.
 * False if there was none. ON goes first: what is posted later than that notifies again.
 */
export function takePosted(descriptor: u64, out: usize): bool {
  exchangeBits(descriptor + Descriptor.Control, OUTSTANDING);
  let taken: u32 = 0;
  for (let word: u32 = 0; word < REQUEST_WORDS; word++) {
    const requests = exchangeBits(descriptor + (<u64>word << 2), 0xffffffff);
    store<u32>(out + (<usize>word << 2), requests);
    taken |= requests;
  }
  return taken != 0;
}

/** Clears `bits` of a word that hardware may set at any moment; the bits that were set. */
function exchangeBits(address: u64, bits: u32): u32 {
  let value = load32(address);
  for (let tries: u32 = 0; tries < EXCHANGES; tries++) {
    const found = compareExchange32(address, value, value & ~bits);
    if (found == value) return value & bits;
    value = found;
  }
  return 0;
}
