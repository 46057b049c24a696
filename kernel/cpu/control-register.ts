// Bits of the control registers and of EFER, SDM 3A 2.5 and 2.2.1.

export namespace Cr0 {
  export const PE: u64 = 1 << 0;
  export const MP: u64 = 1 << 1;
  export const EM: u64 = 1 << 2;
  export const TS: u64 = 1 << 3;
  export const ET: u64 = 1 << 4;
  export const NE: u64 = 1 << 5;
  export const WP: u64 = 1 << 16;
  export const NW: u64 = 1 << 29;
  export const CD: u64 = 1 << 30;
  export const PG: u64 = 1 << 31;
}

export namespace Cr4 {
  export const PAE: u64 = 1 << 5;
  export const LA57: u64 = 1 << 12;
  export const VMXE: u64 = 1 << 13;
  export const SMXE: u64 = 1 << 14;
  export const PCIDE: u64 = 1 << 17;
  export const OSXSAVE: u64 = 1 << 18;
  export const PKE: u64 = 1 << 22;
  export const CET: u64 = 1 << 23;
  export const PKS: u64 = 1 << 24;
  export const UINTR: u64 = 1 << 25;
}

export namespace Efer {
  export const SCE: u64 = 1 << 0;
  export const LME: u64 = 1 << 8;
  export const LMA: u64 = 1 << 10;
  export const NXE: u64 = 1 << 11;
}

export namespace Rflags {
  export const FIXED: u64 = 1 << 1;
  export const IF: u64 = 1 << 9;
  /** CF, PF, AF, ZF, SF, OF. */
  export const ARITHMETIC: u64 = 0x8d5;
}
