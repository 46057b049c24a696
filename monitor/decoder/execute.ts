// Carries out the instruction that touched a device.

import { AccessStatus } from "../interface";
import { decode } from "./decode";
import { beginAccesses, deviceStatus } from "./device-access";
import { openInstruction } from "./fetch";
import { advance } from "./frame";
import { executeDivision } from "./divide";
import { destination, isSplit, placeOperand, translateOperand } from "./guest-operand";
import { instruction, isDivision, isStack, isString, needsSegments, writesMemory } from "./instruction";
import { executeOrdinary } from "./ordinary-instruction";
import { executePlainMove } from "./plain-move";
import { linearAddress } from "./segment";
import { executeStack } from "./stack-instruction";
import { executeString } from "./string-instruction";

/**
 * Decodes the instruction at RIP of the frame and carries it out on the device at `gpa`, the address that faulted.
 * The registers, flags and RIP of the frame change only if the result is Done or OpenBus.
 */
export function executeMemoryAccess(vcpu: u32, gpa: u64, isWrite: u32): AccessStatus {
  if (!openInstruction()) return AccessStatus.GuestFault;
  beginAccesses();
  if (executePlainMove(vcpu, gpa, isWrite != 0)) return deviceStatus();
  const status = decode();
  if (status != AccessStatus.Done) return status;
  // Then the access was not this instruction's own: a page table of the guest is no RAM, or its code has changed since.
  if (isWrite && !writesMemory()) return AccessStatus.Undecodable;
  if (needsSegments()) return AccessStatus.NeedsSegments;
  if (isString()) return executeString(vcpu);
  if (isStack()) return executeStack(vcpu);
  if (!findOperand(gpa)) return AccessStatus.GuestFault;
  if (isDivision()) return executeDivision(vcpu);
  if (executeOrdinary(vcpu)) advance(instruction.length);
  return deviceStatus();
}

/** Of an operand on two pages the exit told one address only, and that of either page. */
export function findOperand(gpa: u64): bool {
  const size = instruction.memorySize;
  const linear = linearAddress(instruction.segment, instruction.offset);
  if (isSplit(linear, size)) return translateOperand(destination, linear, size, writesMemory());
  placeOperand(destination, gpa, size);
  return true;
}
