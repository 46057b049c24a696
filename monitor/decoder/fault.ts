// The fault that the guest gets instead of the instruction (SDM 3A 6.15).

import { VcpuFrame } from "../interface";
import { setFrame } from "./frame";

export const enum Exception { De = 0, Ts = 10, Np = 11, Ss = 12, Gp = 13, Pf = 14 }

const VECTOR_SHIFT: u64 = 32;

/** Any but #PF. */
export function raise(vector: Exception, errorCode: u32 = 0): void {
  setFrame(VcpuFrame.CodeMode, errorCode | ((<u64>vector) << VECTOR_SHIFT));
}

export function raisePageFault(linear: u64, errorCode: u32): void {
  setFrame(VcpuFrame.LinearAddress, linear);
  setFrame(VcpuFrame.CodeMode, errorCode | ((<u64>Exception.Pf) << VECTOR_SHIFT));
}
