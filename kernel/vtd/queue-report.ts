// What is said about the invalidation queue of a unit.

import { Text, printText } from "../boot/symbols";
import { print, sourceName } from "../console/print";
import { Register } from "./register";
import { NO_SOURCE } from "./sources";
import { Unit, read64 } from "./unit";

/** Invalidation Queue Error Record, 11.4.9.9: IQEI, bits 3:0; ITESID, bits 47:32. Older units read as 0. */
const ERROR_INFORMATION: u32 = 0xf;
const TIME_OUT_SOURCE_SHIFT: u64 = 32;

/** `descriptor`: physical address of what the unit did not take; `recovered`: the queue went on. */
export function reportQueueError(unit: Unit, descriptor: u64, information: u32, recovered: bool): void {
  print("vtd unit %d: invalidation queue error at descriptor %12x", unit.index, descriptor);
  if (information != 0) {
    print(" (");
    printText(Text.QueueError, information);
    print(")");
  }
  print(recovered ? ", recovered\n" : ", not recovered\n");
}

/** Why the unit did not take a descriptor, to be read before FSTS.IQE is cleared. */
export function errorInformation(unit: Unit): u32 {
  return <u32>read64(unit, Register.IQERCD) & ERROR_INFORMATION;
}

/** `sourceId`: whose device TLB was asked, or NO_SOURCE; what the unit itself recorded goes before it. */
export function reportDeviceTimeOut(unit: Unit, sourceId: u32, willRetry: bool): void {
  const recorded = <u32>(read64(unit, Register.IQERCD) >> TIME_OUT_SOURCE_SHIFT) & 0xffff;
  const source = recorded != 0 ? recorded : sourceId;
  if (source == NO_SOURCE) print("vtd unit %d: device TLB of an unknown device", unit.index);
  else print("vtd unit %d: device TLB of %s", unit.index, sourceName(unit.segment, source));
  print(willRetry ? ": invalidation timed out, retried\n" : ": invalidation timed out, given up\n");
}

export function reportCompletionError(unit: Unit): void {
  print("vtd unit %d: invalidation completion error: a device answered what it was not asked, recovered\n", unit.index);
}

export function reportStandstill(unit: Unit, restarted: bool): void {
  print("vtd unit %d: invalidation queue stood still, ", unit.index);
  print(restarted ? "restarted\n" : "given up\n");
}
