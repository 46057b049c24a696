// Invalidation by registers, VT-d 4.1 6.5.1: for legacy mode on a unit without a queue, or whose queue stands still. While a
// queue is on these registers must not be used.

import { load64, store64 } from "../memory/physical";
import { pagesAt } from "./descriptor";
import { InvalidationStatus } from "./invalidation-status";
import {
  CAP_DRD, CAP_DWD, CCMD_DEVICE, CCMD_GLOBAL, CCMD_ICC, Global, IOTLB_DOMAIN, IOTLB_DRAIN_READS, IOTLB_DRAIN_WRITES,
  IOTLB_GLOBAL, IOTLB_IVT, IOTLB_PAGE, Register, tlbRegisterOffset,
} from "./register";
import { Unit, read32, read64, write64 } from "./unit";
import { mayWait, startWait } from "./wait";

/** CAIG, bits 60:59: what the unit really did; 0 nothing. */
const CCMD_ACTUAL: u64 = 3 << 59;
/** SID, bits 31:16; DID lies in bits 15:0. */
const CCMD_SOURCE_SHIFT: u64 = 16;
/** IAIG, bits 58:57. */
const IOTLB_ACTUAL: u64 = 3 << 57;
/** DID, bits 47:32. */
const IOTLB_DOMAIN_SHIFT: u64 = 32;

export function invalidateContextsByRegister(unit: Unit): InvalidationStatus {
  return commandContext(unit, CCMD_GLOBAL);
}

export function invalidateContextByRegister(unit: Unit, domainId: u32, sourceId: u32): InvalidationStatus {
  return commandContext(unit, CCMD_DEVICE | (<u64>sourceId << CCMD_SOURCE_SHIFT) | <u64>domainId);
}

export function invalidateTlbByRegister(unit: Unit): InvalidationStatus {
  return commandTlb(unit, IOTLB_GLOBAL);
}

export function invalidateTlbDomainByRegister(unit: Unit, domainId: u32): InvalidationStatus {
  return commandTlb(unit, IOTLB_DOMAIN | (<u64>domainId << IOTLB_DOMAIN_SHIFT));
}

/** 2^`mask` pages at `address`; the unit must have CAP.PSI and `mask` must not exceed CAP.MAMV. */
export function invalidateTlbPagesByRegister(unit: Unit, domainId: u32, address: u64, mask: u32): InvalidationStatus {
  store64(tlbRegisters(unit), pagesAt(address, mask));
  return commandTlb(unit, IOTLB_PAGE | (<u64>domainId << IOTLB_DOMAIN_SHIFT));
}

/** IVA, the address; IOTLB, the command, lies behind it. */
function tlbRegisters(unit: Unit): u64 { return unit.registers + tlbRegisterOffset(unit.extended); }

/** A queue that could not even be switched off forbids the registers (6.5). */
function hasQueueOn(unit: Unit): bool { return (read32(unit, Register.GSTS) & <u32>Global.QIE) != 0; }

function commandContext(unit: Unit, command: u64): InvalidationStatus {
  if (hasQueueOn(unit)) return InvalidationStatus.Unsupported;
  write64(unit, Register.CCMD, CCMD_ICC | command);
  startWait();
  let result = read64(unit, Register.CCMD);
  while ((result & CCMD_ICC) != 0) {
    if (!mayWait()) return InvalidationStatus.TimedOut;
    result = read64(unit, Register.CCMD);
  }
  return (result & CCMD_ACTUAL) != 0 ? InvalidationStatus.Done : InvalidationStatus.Refused;
}

function commandTlb(unit: Unit, command: u64): InvalidationStatus {
  if (hasQueueOn(unit)) return InvalidationStatus.Unsupported;
  const register = tlbRegisters(unit) + 8;
  store64(register, IOTLB_IVT | command | drains(unit));
  startWait();
  let result = load64(register);
  while ((result & IOTLB_IVT) != 0) {
    if (!mayWait()) return InvalidationStatus.TimedOut;
    result = load64(register);
  }
  return (result & IOTLB_ACTUAL) != 0 ? InvalidationStatus.Done : InvalidationStatus.Refused;
}

function drains(unit: Unit): u64 {
  const reads: u64 = (unit.capability & CAP_DRD) != 0 ? IOTLB_DRAIN_READS : 0;
  return (unit.capability & CAP_DWD) != 0 ? reads | IOTLB_DRAIN_WRITES : reads;
}
