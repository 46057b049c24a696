// INS and OUTS, single and repeated. The exit comes before the processor looks at the memory operand (SDM 3C 26.1.1).

import { AccessStatus } from "../interface";
import { beginAccesses, deviceStatus, isRefused, readPort, writePort } from "./device-access";
import { fetchStatus, instructionLength, openInstruction } from "./fetch";
import { Register, advance, readRegister } from "./frame";
import { destination, prepareOperand, readOperand, source, writeOperand } from "./guest-operand";
import { instruction } from "./instruction";
import { takePrefixes } from "./prefixes";
import { Segment } from "./segment";
import { countElement, elementsAtOnce, remainingElements, stepIndex } from "./string-element";

/** VM-exit instruction information for INS and OUTS (SDM 3C table 28-8): 0 for 2 bytes, 1 for 4, 2 for 8. */
const enum Information { AddressSizeShift = 7, AddressSizeMask = 3 }

/** INSB, INSD, OUTSB and OUTSD are 6C to 6F. */
const OPCODE: u32 = 0x6c;
const OPCODE_MASK: u32 = 0xfc;

/**
 * Carries out elements at `port` until the count is 0 or the turn is over; RIP stays until the count is 0.
 * An element that cannot be carried out ends the turn; it is the first one of the next turn, whose status then says why.
 */
export function executeStringPort(vcpu: u32, port: u32, size: u32, isWrite: u32, isRepeated: u32, information: u32): AccessStatus {
  const fetched = fetchInstruction();
  if (fetched != AccessStatus.Done) return fetched;
  const addressSize: u32 = 2 << ((information >> Information.AddressSizeShift) & Information.AddressSizeMask);
  beginAccesses();
  const most: u32 = isRepeated ? elementsAtOnce() : 1;
  for (let i: u32 = 0; i < most; i++) {
    if (isRepeated && remainingElements(addressSize) == 0) break;
    if (!prepareElement(size, isWrite, addressSize)) return i == 0 ? AccessStatus.GuestFault : AccessStatus.Done;
    transferElement(vcpu, port, size, isWrite);
    if (isRefused()) return i == 0 ? AccessStatus.GeneralProtection : AccessStatus.Done;
    stepIndex(isWrite ? Register.Rsi : Register.Rdi, size, addressSize);
    if (isRepeated) countElement(addressSize);
  }
  if (!isRepeated || remainingElements(addressSize) == 0) advance(instructionLength());
  return deviceStatus();
}

/** The exit has told all but the length and the segment. */
function fetchInstruction(): AccessStatus {
  if (!openInstruction()) return AccessStatus.GuestFault;
  const opcode = takePrefixes();
  if (fetchStatus() != AccessStatus.Done) return fetchStatus();
  return (opcode & OPCODE_MASK) == OPCODE ? AccessStatus.Done : AccessStatus.Undecodable;
}

/** The element in memory. False if the guest gets a fault instead; the port was not touched then. */
function prepareElement(size: u32, isWrite: u32, addressSize: u32): bool {
  if (isWrite) return prepareOperand(source, instruction.segment, readRegister(Register.Rsi, addressSize), size, false);
  return prepareOperand(destination, Segment.Es, readRegister(Register.Rdi, addressSize), size, true);
}

function transferElement(vcpu: u32, port: u32, size: u32, isWrite: u32): void {
  if (isWrite) {
    const value = <u32>readOperand(vcpu, source);
    if (!isRefused()) writePort(vcpu, port, size, value);
    return;
  }
  const value = readPort(vcpu, port, size);
  if (!isRefused()) writeOperand(vcpu, destination, value);
}
