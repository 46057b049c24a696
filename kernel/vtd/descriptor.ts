// Descriptors of the invalidation queue, VT-d 4.1 6.5.2: two u64, of which the functions here give the low and the high one.
// In a queue of 256-bit descriptors the upper half is 0.

import { ECAP_DIT, drainsOf } from "./register";
import { Unit } from "./unit";

/** Type, bits 3:0. */
export const enum DescriptorType {
  Context = 1, // 6.5.2.1
  Tlb = 2, // 6.5.2.3
  DeviceTlb = 3, // 6.5.2.5
  InterruptEntry = 4, // 6.5.2.7
  Wait = 5, // 6.5.2.8
  PasidCache = 7, // 6.5.2.2
}
export const DESCRIPTOR_TYPE: u64 = 0xf;

/** G, bits 5:4. */
const GLOBAL: u64 = 1 << 4;
const DOMAIN: u64 = 2 << 4;
/** One function. */
const SELECTIVE: u64 = 3 << 4;
const PASID_CACHE_DOMAIN: u64 = 0 << 4;

/** DID, bits 31:16. */
const DOMAIN_SHIFT: u64 = 16;
/** SID of context and device TLB descriptors, status data of wait descriptors. */
const UPPER_SHIFT: u64 = 32;
/** DW and DR of an IOTLB descriptor, bits 6 and 7. */
const DRAIN_SHIFT: u64 = 6;
/** MIP, bits 20:16: invalidations of a device that may be under way at once. */
const ONE_PENDING: u64 = 1 << 16;
/** PFSID[3:0], bits 15:12, and PFSID[15:4], bits 63:52: the physical function that hardware paces (ECAP.DIT). */
const PACED_LOW_SHIFT: u64 = 12;
const PACED_HIGH_SHIFT: u64 = 52;
/** Address of all ones up to bit 62 with S set: the whole device TLB. */
const WHOLE_DEVICE_TLB: u64 = 0x7ffffffffffff001;
/** SW: write the status data to the status address. */
const STATUS_WRITE: u64 = 1 << 5;

export function allContexts(): u64 { return <u64>DescriptorType.Context | GLOBAL; }

export function oneContext(domainId: u32, sourceId: u32): u64 {
  return <u64>DescriptorType.Context | SELECTIVE | (<u64>domainId << DOMAIN_SHIFT) | (<u64>sourceId << UPPER_SHIFT);
}

export function pasidCacheOfDomain(domainId: u32): u64 {
  return <u64>DescriptorType.PasidCache | PASID_CACHE_DOMAIN | (<u64>domainId << DOMAIN_SHIFT);
}

export function wholeTlb(unit: Unit): u64 { return <u64>DescriptorType.Tlb | GLOBAL | drains(unit); }

export function tlbOfDomain(unit: Unit, domainId: u32): u64 {
  return <u64>DescriptorType.Tlb | DOMAIN | drains(unit) | (<u64>domainId << DOMAIN_SHIFT);
}

/** Requests that were translated before reach memory before the invalidation counts as done. */
function drains(unit: Unit): u64 {
  return drainsOf(unit.capability) << DRAIN_SHIFT;
}

export function deviceTlbOf(unit: Unit, sourceId: u32): u64 {
  const low = <u64>DescriptorType.DeviceTlb | ONE_PENDING | (<u64>sourceId << UPPER_SHIFT);
  if ((unit.extended & ECAP_DIT) == 0) return low;
  return low | (<u64>(sourceId & 0xf) << PACED_LOW_SHIFT) | (<u64>(sourceId >> 4) << PACED_HIGH_SHIFT);
}

/** High half of deviceTlbOf(). */
export function wholeDeviceTlb(): u64 { return WHOLE_DEVICE_TLB; }

export function allInterruptEntries(): u64 { return <u64>DescriptorType.InterruptEntry; }

/** When all descriptors before are done, the unit writes `value` to the physical address that the high half is. */
export function waitFor(value: u32): u64 {
  return <u64>DescriptorType.Wait | STATUS_WRITE | (<u64>value << UPPER_SHIFT);
}
