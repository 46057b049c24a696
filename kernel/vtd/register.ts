// Registers of a remapping unit and their fields, VT-d 4.1 chapter 11. Offsets in bytes from the unit's register base.

/** 11.4 */
export const enum Register {
  VER = 0x000, // u32
  CAP = 0x008, // u64
  ECAP = 0x010, // u64
  GCMD = 0x018, // u32
  GSTS = 0x01c, // u32
  RTADDR = 0x020, // u64
  CCMD = 0x028, // u64
  FSTS = 0x034, // u32
  FECTL = 0x038, // u32
  FEDATA = 0x03c, // u32
  FEADDR = 0x040, // u32
  FEUADDR = 0x044, // u32
  PMEN = 0x064, // u32
  IQH = 0x080, // u64
  IQT = 0x088, // u64
  IQA = 0x090, // u64
  IQERCD = 0x0b0, // u64
  IRTA = 0x0b8, // u64
}

/** Global Command and Global Status, 11.4.4. */
export const enum Global {
  TE = 1 << 31, // translation enable
  SRTP = 1 << 30, // set root table pointer
  WBF = 1 << 27, // write buffer flush
  QIE = 1 << 26, // queued invalidation enable
  IRE = 1 << 25, // interrupt remapping enable
  SIRTP = 1 << 24, // set interrupt remap table pointer
  CFI = 1 << 23, // compatibility format interrupts
}
/** Bits of GSTS that keep their command across a write of GCMD; the others are one-shot. */
export const GLOBAL_KEPT: u32 = <u32>Global.TE | Global.QIE | Global.IRE | Global.CFI;

/** Root Table Address, 11.4.5: translation table mode, bits 11:10. */
export const RTADDR_TTM_SCALABLE: u64 = 1 << 10;

/** Capability, 11.4.2. Single bits. */
export const CAP_RWBF: u64 = 1 << 4;
export const CAP_CM: u64 = 1 << 7;
export const CAP_PSI: u64 = 1 << 39;
export const CAP_PI: u64 = 1 << 59;

/** ND, bits 2:0: the unit knows 2^(4 + 2 * ND) domains. */
export function domainsOf(capability: u64): u32 { return <u32>1 << (4 + 2 * min(<u32>capability & 7, 6)); }

/** SAGAW, bits 12:8: bit n, from 1, says that tables of n + 2 levels work. */
export function adjustedWidths(capability: u64): u32 { return <u32>(capability >> 8) & 0x1f; }

/** MGAW, bits 21:16: bits of the largest address that a device can use. */
export function maximumGuestWidth(capability: u64): u32 { return (<u32>(capability >> 16) & 0x3f) + 1; }

/** FRO, bits 33:24: offset of the first fault recording register. */
export function faultRecordingOffset(capability: u64): u64 { return ((capability >> 24) & 0x3ff) << 4; }

/** SLLPS, bits 37:34: LargePage mask; bit 0 2 MiB, bit 1 1 GiB. */
export function secondLevelLargePages(capability: u64): u32 { return <u32>(capability >> 34) & 3; }

/** NFR, bits 47:40. */
export function faultRecords(capability: u64): u32 { return (<u32>(capability >> 40) & 0xff) + 1; }

/** MAMV, bits 53:48: largest address mask of a page-selective invalidation. */
export function maximumAddressMask(capability: u64): u32 { return <u32>(capability >> 48) & 0x3f; }

/** DWD and DRD, bits 54 and 55: writes and reads under way can be waited for. */
export function drainsOf(capability: u64): u64 { return (capability >> 54) & 3; }

/** Extended Capability, 11.4.3. Single bits. */
export const ECAP_C: u64 = 1 << 0; // page walks snoop the caches
export const ECAP_QI: u64 = 1 << 1;
export const ECAP_DT: u64 = 1 << 2; // device TLB
export const ECAP_IR: u64 = 1 << 3;
export const ECAP_EIM: u64 = 1 << 4;
export const ECAP_PT: u64 = 1 << 6;
export const ECAP_SC: u64 = 1 << 7; // snoop control
export const ECAP_DIT: u64 = 1 << 41; // device TLB invalidations are paced by physical function
export const ECAP_SMTS: u64 = 1 << 43; // scalable mode
export const ECAP_SLTS: u64 = 1 << 46; // second-level translation in scalable mode

/** IRO, bits 17:8: offset of the IVA and IOTLB registers. */
export function tlbRegisterOffset(extended: u64): u64 { return ((extended >> 8) & 0x3ff) << 4; }

/** MHMV, bits 23:20: largest handle mask of an interrupt-entry-cache invalidation. */
export function maximumHandleMask(extended: u64): u32 { return <u32>(extended >> 20) & 0xf; }

/** Fault Status, 11.4.9. */
export const enum FaultStatus {
  PFO = 1 << 0, // primary fault overflow
  PPF = 1 << 1, // primary pending fault
  IQE = 1 << 4, // invalidation queue error
  ICE = 1 << 5, // invalidation completion error
  ITE = 1 << 6, // invalidation time-out error
}

/** Fault Event Control, 11.4.10. */
export const EVENT_MASKED: u32 = <u32>1 << 31; // IM

/** Protected Memory Enable, 11.4.16. */
export const PMEN_EPM: u32 = <u32>1 << 31;
export const PMEN_PRS: u32 = 1 << 0;
