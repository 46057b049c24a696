// INS and OUTS, single and repeated.

import { portIn, portOut } from "../devices/bus";
import { setStatus } from "../devices/status";
import { AccessStatus, VcpuFrame } from "../interface";
import { deviceStatus, isRefused } from "./device-access";
import { fetchStatus, instructionLength, openInstruction } from "./fetch";
import { Register, advance, frame, isLongMode, readRegister } from "./frame";
import { prepareOperand, readOperand, writeOperand } from "./guest-operand";
import { takePrefixes } from "./prefixes";
import { countElement, remainingElements, stepIndex } from "./string-element";

/** VM-exit instruction information for INS and OUTS (SDM 3C table 28-8): 0 for 2 bytes, 1 for 4, 2 for 8. */
const enum Information { AddressSizeShift = 7, AddressSizeMask = 3 }

/** INSB, INSD, OUTSB and OUTSD are 6C to 6F. */
const OPCODE: u32 = 0x6c;
const OPCODE_MASK: u32 = 0xfc;

/** Elements that a repeated instruction carries out before interrupts get their turn. */
const ELEMENTS_AT_ONCE: u32 = 64;

/** Base of the segment that the memory operand is in. */
let segmentBase: u64 = 0;

/**
 * Carries out elements at `port` until the count is 0 or ELEMENTS_AT_ONCE are done; RIP stays until the count is 0.
 * An element that cannot be carried out ends the turn; it is the first one of the next turn, whose status then says why.
 */
export function executeStringPort(vcpu: u32, port: u32, size: u32, isWrite: u32, isRepeated: u32, information: u32): AccessStatus {
  const fetched = fetchInstruction();
  if (fetched != AccessStatus.Done) return fetched;
  const addressSize: u32 = 2 << ((information >> Information.AddressSizeShift) & Information.AddressSizeMask);
  segmentBase = findSegmentBase(isWrite ? Register.Rsi : Register.Rdi, addressSize);
  setStatus(AccessStatus.Done);
  if (!isRepeated) {
    if (!transferElement(vcpu, port, size, isWrite, addressSize)) return AccessStatus.GuestFault;
    if (!isRefused()) advance(instructionLength());
    return deviceStatus();
  }
  for (let i: u32 = 0; i < ELEMENTS_AT_ONCE && remainingElements(addressSize) != 0; i++) {
    if (!transferElement(vcpu, port, size, isWrite, addressSize)) return i == 0 ? AccessStatus.GuestFault : AccessStatus.Done;
    if (isRefused()) return i == 0 ? deviceStatus() : AccessStatus.Done;
    countElement(addressSize);
  }
  if (remainingElements(addressSize) == 0) advance(instructionLength());
  return deviceStatus();
}

/** Only the length is wanted: the exit has told the rest. */
function fetchInstruction(): AccessStatus {
  if (!openInstruction()) return AccessStatus.GuestFault;
  const opcode = takePrefixes();
  if (fetchStatus() != AccessStatus.Done) return fetchStatus();
  return (opcode & OPCODE_MASK) == OPCODE ? AccessStatus.Done : AccessStatus.Undecodable;
}

/** One element between the port and memory at RSI or RDI. False if the memory is not mapped. */
function transferElement(vcpu: u32, port: u32, size: u32, isWrite: u32, addressSize: u32): bool {
  const index: u32 = isWrite ? Register.Rsi : Register.Rdi;
  if (!prepareOperand(elementAddress(index, addressSize), size, isWrite == 0)) return false;
  if (isWrite) {
    portOut(vcpu, port, size, <u32>readOperand(vcpu, size));
    if (isRefused()) return true;
  } else {
    const value = portIn(vcpu, port, size);
    if (isRefused()) return true;
    writeOperand(vcpu, size, value);
  }
  stepIndex(index, size, addressSize);
  return true;
}

/** The exit gives the linear address of the first element, its segment's base included. */
function findSegmentBase(index: u32, addressSize: u32): u64 {
  const linear = frame(VcpuFrame.LinearAddress);
  return linear == 0 ? 0 : linear - readRegister(index, addressSize);
}

function elementAddress(index: u32, addressSize: u32): u64 {
  const linear = segmentBase + readRegister(index, addressSize);
  return isLongMode() ? linear : linear & 0xffffffff;
}
