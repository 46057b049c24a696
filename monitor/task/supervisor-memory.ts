// The guest's descriptor tables and task states, which the processor reads and writes by linear addresses as a supervisor whatever the CPL.

import { destination, readOperand, translateOperand, writeOperand } from "../decoder/guest-operand";

/** False if a page of it is not mapped so; a range reaches over one page edge at most. */
export function isReachable(linear: u64, length: u32, isWrite: bool): bool {
  return translateOperand(destination, linear, 1, isWrite) && translateOperand(destination, linear + length - 1, 1, isWrite);
}

/** All ones where nothing is mapped. */
export function readLinear(vcpu: u32, linear: u64, size: u32): u64 {
  return translateOperand(destination, linear, size, false) ? readOperand(vcpu, destination) : u64.MAX_VALUE;
}

export function writeLinear(vcpu: u32, linear: u64, size: u32, value: u64): void {
  if (translateOperand(destination, linear, size, true)) writeOperand(vcpu, destination, value);
}
