// Invalidation by registers, VT-d 4.1 6.5.1: for legacy mode on a unit without a queue, or whose queue stands still. While a
// queue is on these registers must not be used. Their commands have the fields of the descriptors, in other places.

import { load64, store64 } from "../memory/physical";
import { DESCRIPTOR_TYPE, DescriptorType } from "./descriptor";
import { InvalidationStatus } from "./invalidation-status";
import { Global, Register, tlbRegisterOffset } from "./register";
import { Unit, read32 } from "./unit";
import { mayWait, startWait } from "./wait";

/** ICC of the context command, 11.4.6, and IVT of IOTLB invalidate, 11.4.8.1: set to start, clear when done. */
const START: u64 = 1 << 63;
/** CIRG, bits 62:61, and CAIG, bits 60:59: what the unit shall do, and what it really did; 0 nothing. SID in bits 31:16, DID in bits 15:0. */
const CONTEXT_REQUEST_SHIFT: u64 = 61;
const CONTEXT_ACTUAL: u64 = 3 << 59;
const CONTEXT_SOURCE_SHIFT: u64 = 16;
/** IIRG, bits 61:60, and IAIG, bits 58:57. DR and DW in bits 49:48, DID in bits 47:32. */
const TLB_REQUEST_SHIFT: u64 = 60;
const TLB_ACTUAL: u64 = 3 << 57;
const TLB_DRAIN_SHIFT: u64 = 48;
const TLB_DOMAIN_SHIFT: u64 = 32;

/** Does what the two halves of a descriptor say; `otherwise` if it is for none of the caches of contexts and translations, which alone have registers. */
export function invalidateByRegister(unit: Unit, low: u64, high: u64, otherwise: InvalidationStatus): InvalidationStatus {
  const type = low & DESCRIPTOR_TYPE;
  if (type != DescriptorType.Context && type != DescriptorType.Tlb) return otherwise;
  // A queue that could not even be switched off forbids the registers (6.5).
  if ((read32(unit, Register.GSTS) & <u32>Global.QIE) != 0) return InvalidationStatus.Unsupported;
  const granularity = (low >> 4) & 3;
  const domain = (low >> 16) & 0xffff;
  if (type == DescriptorType.Context) {
    const source = (low >> 32) & 0xffff;
    const request = (granularity << CONTEXT_REQUEST_SHIFT) | (source << CONTEXT_SOURCE_SHIFT) | domain;
    return command(unit.registers + <u64>Register.CCMD, request, CONTEXT_ACTUAL);
  }
  // IVA, the address; IOTLB, the command, lies behind it.
  const registers = unit.registers + tlbRegisterOffset(unit.extended);
  const drains = (low >> 6) & 3;
  store64(registers, high);
  return command(registers + 8, (granularity << TLB_REQUEST_SHIFT) | (drains << TLB_DRAIN_SHIFT) | (domain << TLB_DOMAIN_SHIFT), TLB_ACTUAL);
}

function command(register: u64, request: u64, actual: u64): InvalidationStatus {
  store64(register, START | request);
  startWait();
  let result = load64(register);
  while ((result & START) != 0) {
    if (!mayWait()) return InvalidationStatus.TimedOut;
    result = load64(register);
  }
  return (result & actual) != 0 ? InvalidationStatus.Done : InvalidationStatus.Refused;
}
