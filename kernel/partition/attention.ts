// What is to be done before the next VM entry: one word, so that an entry with nothing to do costs one test.

import { Fixed } from "../memory/layout";

export const enum Attention {
  /** The vCPU's record in the mailbox may have changed: an event may be pending, its deadline may be another. */
  Record = 1 << 0,
  /** The partition ends or restarts. */
  Intent = 1 << 1,
  /** The vCPU got an INIT. */
  Initialised = 1 << 2,
  /** The kernel delivers virtual interrupts in the processor's place. */
  Delivery = 1 << 3,
  /** Entries need sequences against speculation. */
  Guarded = 1 << 31,
}

/** Bits of Attention that are set. */
// @ts-ignore: decorator
@inline
export function attention(): u32 { return load<u32>(Fixed.Attention); }

// @ts-ignore: decorator
@inline
export function attend(bits: u32): void { store<u32>(Fixed.Attention, attention() | bits); }

// @ts-ignore: decorator
@inline
export function settled(bits: u32): void { store<u32>(Fixed.Attention, attention() & ~bits); }
