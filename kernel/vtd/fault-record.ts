// Fault recording registers, VT-d 4.1 11.4.7.6: 16 bytes each.

import { load32, load64, store32 } from "../memory/physical";
import { faultRecordingOffset } from "./register";
import { Unit } from "./unit";

/** What kind of request was blocked: T1 is bit 1, T2 bit 0. */
export const enum RequestType {
  Write = 0,
  PageRequest = 1,
  Read = 2,
  Atomic = 3,
}

@unmanaged
export class Fault {
  /** Page that was asked for; 0 for an interrupt. */
  address: u64;
  sourceId: u32;
  reason: u32;
  type: u32;
  /** 1: the request had the PASID `pasid`, which may be anything else. */
  hasPasid: u32;
  pasid: u32;
  /** Index into the interrupt remapping table, for an interrupt. */
  index: u32;
}

/** Reasons of interrupts, VT-d 4.1 5.1.4.1; above them those of scalable mode. */
const FIRST_INTERRUPT_REASON: u32 = 0x20;
const FIRST_SCALABLE_REASON: u32 = 0x30;

const RECORD_SIZE: u64 = 16;
/** Offset of the u32 that holds F. */
const LAST_WORD: u64 = 12;
/** F: 1 the record is taken; writing 1 frees it. */
const TAKEN: u32 = <u32>1 << 31;
const PAGE: u64 = ~(<u64>0xfff);
const INDEX_SHIFT: u64 = 48;
// Fields of the upper half.
const SOURCE: u32 = 0xffff; // SID, bits 79:64
const TYPE_2_SHIFT: u64 = 28; // T2, bit 92
const PASID_PRESENT_SHIFT: u64 = 31; // PP, bit 95
const REASON_SHIFT: u64 = 32; // FR, bits 103:96
const REASON: u32 = 0xff;
const PASID_SHIFT: u64 = 40; // PV, bits 123:104
const PASID: u32 = 0xfffff;
const TYPE_1_SHIFT: u64 = 62; // T1, bit 126

const taken: Fault = changetype<Fault>(memory.data(32, 8));

/** The fault that takeRecord() took last. */
export function takenFault(): Fault { return taken; }

/** True if the request was an interrupt: its record holds an index and no address. */
export function isInterruptReason(reason: u32): bool {
  return reason >= FIRST_INTERRUPT_REASON && reason < FIRST_SCALABLE_REASON;
}

/** Reads and frees record `index`; false if there is no fault in it. */
export function takeRecord(unit: Unit, index: u32): bool {
  const record = unit.registers + faultRecordingOffset(unit.capability) + <u64>index * RECORD_SIZE;
  if ((load32(record + LAST_WORD) & TAKEN) == 0) return false;
  decode(load64(record), load64(record + 8));
  store32(record + LAST_WORD, TAKEN);
  return true;
}

function decode(low: u64, high: u64): void {
  taken.sourceId = <u32>high & SOURCE;
  taken.reason = <u32>(high >> REASON_SHIFT) & REASON;
  const isInterrupt = isInterruptReason(taken.reason);
  taken.address = isInterrupt ? 0 : low & PAGE;
  taken.index = isInterrupt ? <u32>(low >> INDEX_SHIFT) : 0;
  taken.type = ((<u32>(high >> TYPE_1_SHIFT) & 1) << 1) | (<u32>(high >> TYPE_2_SHIFT) & 1);
  taken.hasPasid = <u32>(high >> PASID_PRESENT_SHIFT) & 1;
  taken.pasid = <u32>(high >> PASID_SHIFT) & PASID;
}
