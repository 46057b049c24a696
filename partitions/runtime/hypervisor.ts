// Calls to Bulkhead. A partition that runs without it, alone in an emulator for a test, must not make them.

import { Hypercall } from "../../kernel/policy/layout";

/** 1 if CPUID leaf 0x40000000 names Bulkhead. */
@external("machine", "hasHypervisor") export declare function hasHypervisor(): u32;
@external("machine", "hypercall") export declare function hypercall(number: u32, first: u64, second: u64): u64;
/** Ends the partition. */
@external("machine", "powerOff") export declare function powerOff(): void;

/** Version of the hypercalls, 0 without Bulkhead. */
export function hypercallVersion(): u64 {
  return hasHypervisor() ? hypercall(Hypercall.Version, 0, 0) : 0;
}
