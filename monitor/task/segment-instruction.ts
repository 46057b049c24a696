// MOV to and from a segment register, LLDT, LTR, SLDT, STR and far JMP with their operand on a device (SDM 2A, 2B; SDM 3A 5).

import { beginAccesses, deviceStatus, isRefused } from "../decoder/device-access";
import { decode } from "../decoder/decode";
import { findOperand } from "../decoder/execute";
import { Exception, raise } from "../decoder/fault";
import { openInstruction } from "../decoder/fetch";
import { Rflags, advance, frame, setFrame } from "../decoder/frame";
import { destination, readPart, writePart } from "../decoder/guest-operand";
import { Operation, instruction, needsSegments } from "../decoder/instruction";
import { Segment, isCanonical, isProtected } from "../decoder/segment";
import { AccessStatus, TaskSegment, VcpuFrame } from "../interface";
import {
  Rights, changeType, descriptorBase, descriptorLimit, descriptorRights, isLocal, isNull, privilege, readDescriptor, readWideBase, segmentLimit, segmentRights,
  selectorOf, setSegment, setSelector,
} from "./descriptor";

const SELECTOR_RPL: u32 = 3;
const SELECTOR_ERROR: u32 = 0xfffc;
const CPL_SHIFT: u64 = 2;
const CPL_MASK: u64 = 3 << 2;
const FAULT_SHIFT: u64 = 32;
const EFER_LMA: u64 = 1 << 10;
const CODE_LONG: u32 = 1 << 13;
const CODE_BIG: u32 = 1 << 14;
const TYPE_LDT: u32 = 2;
const TYPE_TASK: u32 = 1;

/** The mailbox has what a task switch needs. `gpa`: the address that faulted. All is as it was unless the result is Done or OpenBus. */
export function executeSegmentAccess(vcpu: u32, gpa: u64): AccessStatus {
  if (!openInstruction()) return AccessStatus.GuestFault;
  beginAccesses();
  if (decode() != AccessStatus.Done || !needsSegments()) return AccessStatus.Undecodable; // its code has changed since
  // The shadow that MOV SS casts over what follows is not made: nothing may come then.
  const isStore = instruction.operation == Operation.StoreSegment;
  if (!isStore && instruction.register == Segment.Ss && frame(VcpuFrame.Rflags) & <u64>(Rflags.If | Rflags.Tf)) return AccessStatus.Undecodable;
  if (!findOperand(gpa)) return AccessStatus.GuestFault;
  if (isStore) return storeSelector(vcpu);
  const offsetSize = instruction.memorySize - 2;
  const offset = offsetSize == 0 ? 0 : readPart(vcpu, destination, 0, offsetSize);
  const selector = <u32>readPart(vcpu, destination, offsetSize, 2);
  if (isRefused()) return deviceStatus();
  const level = <u32>((frame(VcpuFrame.CodeMode) & CPL_MASK) >> CPL_SHIFT);
  setFrame(VcpuFrame.CodeMode, frame(VcpuFrame.CodeMode) & ~CPL_MASK); // tables are read as a supervisor
  if (instruction.operation == Operation.JumpFar) return jump(vcpu, selector, offset, level);
  if (!load(vcpu, instruction.register, selector, level)) return AccessStatus.GuestFault;
  setSelector(instruction.register, selector);
  advance(instruction.length);
  return deviceStatus();
}

function storeSelector(vcpu: u32): AccessStatus {
  writePart(vcpu, destination, 0, 2, selectorOf(instruction.register));
  if (!isRefused()) advance(instruction.length);
  return deviceStatus();
}

function load(vcpu: u32, segment: u32, selector: u32, level: u32): bool {
  if (segment >= <u32>TaskSegment.Ldt) return loadSystem(vcpu, segment, selector);
  if (!isProtected()) return loadReal(segment, selector);
  return segment == Segment.Ss ? loadStack(vcpu, selector, level) : loadData(vcpu, segment, selector, level);
}

function loadReal(segment: u32, selector: u32): bool {
  setSegment(segment, selector << 4, segmentLimit(segment), segmentRights(segment));
  return true;
}

function loadStack(vcpu: u32, selector: u32, level: u32): bool {
  if (isNull(selector)) {
    if (!isLongCode() || level == 3 || selector != level) return fail(Exception.Gp, 0);
    return setNull(Segment.Ss, level);
  }
  if (!find(vcpu, selector)) return false;
  const rights = descriptorRights();
  const isStack = (rights & (Rights.Application | Rights.Code | Rights.Writable)) == (Rights.Application | Rights.Writable);
  if (!isStack || privilege(rights) != level || (selector & SELECTOR_RPL) != level) return fail(Exception.Gp, selector);
  if (!(rights & Rights.Present)) return fail(Exception.Ss, selector);
  return mark(vcpu, Segment.Ss, selector);
}

function loadData(vcpu: u32, segment: u32, selector: u32, level: u32): bool {
  if (isNull(selector)) return setNull(segment, 0);
  if (!find(vcpu, selector)) return false;
  const rights = descriptorRights();
  const isCode = (rights & Rights.Code) != 0;
  if (!(rights & Rights.Application) || (isCode && !(rights & Rights.Readable))) return fail(Exception.Gp, selector);
  const isConforming = isCode && (rights & Rights.Conforming) != 0;
  if (!isConforming && privilege(rights) < max<u32>(level, selector & SELECTOR_RPL)) return fail(Exception.Gp, selector);
  if (!(rights & Rights.Present)) return fail(Exception.Np, selector);
  return mark(vcpu, segment, selector);
}

/** LLDT and LTR, which only CPL 0 gets to memory. */
function loadSystem(vcpu: u32, segment: u32, selector: u32): bool {
  const isTask = segment == TaskSegment.Task;
  if (isNull(selector)) return isTask ? fail(Exception.Gp, 0) : setNull(segment, 0);
  if (isLocal(selector)) return fail(Exception.Gp, selector);
  if (!find(vcpu, selector)) return false;
  const rights = descriptorRights();
  if (!isSystemType(rights, isTask)) return fail(Exception.Gp, selector);
  if (!(rights & Rights.Present)) return fail(Exception.Np, selector);
  if (isLongActive() && !(readWideBase(vcpu, selector) && isCanonical(descriptorBase()))) return isFaulting() ? false : fail(Exception.Gp, selector);
  if (isTask) changeType(vcpu, selector, Rights.Busy, 0);
  setSegment(segment, descriptorBase(), descriptorLimit(), isTask ? rights | Rights.Busy : rights);
  return true;
}

/** An LDT, or a TSS that is not busy; of 16 bits outside IA-32e mode only. */
function isSystemType(rights: u32, isTask: bool): bool {
  const type = rights & (Rights.Application | Rights.Type);
  if (!isTask) return type == TYPE_LDT;
  return type == (TYPE_TASK | Rights.Wide) || (type == TYPE_TASK && !isLongActive());
}

/** To a code segment; gates and tasks are refused. */
function jump(vcpu: u32, selector: u32, target: u64, level: u32): AccessStatus {
  let kept = selector;
  if (!isProtected()) {
    loadReal(Segment.Cs, selector);
  } else {
    if (isNull(selector)) return refuse(Exception.Gp, 0);
    if (!find(vcpu, selector)) return AccessStatus.GuestFault;
    const rights = descriptorRights();
    if (!(rights & Rights.Application)) return AccessStatus.Undecodable;
    if (!mayJump(rights, selector, level)) return refuse(Exception.Gp, selector);
    if (!(rights & Rights.Present)) return refuse(Exception.Np, selector);
    if (!isReached(rights, target)) return refuse(Exception.Gp, 0);
    mark(vcpu, Segment.Cs, selector);
    kept = (selector & ~SELECTOR_RPL) | level;
  }
  setSelector(Segment.Cs, kept);
  setFrame(VcpuFrame.Rip, target);
  return deviceStatus();
}

function mayJump(rights: u32, selector: u32, level: u32): bool {
  if (!(rights & Rights.Code)) return false;
  if (isLongActive() && (rights & (CODE_LONG | CODE_BIG)) == (CODE_LONG | CODE_BIG)) return false;
  if (rights & Rights.Conforming) return privilege(rights) <= level;
  return privilege(rights) == level && (selector & SELECTOR_RPL) <= level;
}

function isReached(rights: u32, target: u64): bool {
  return isLongActive() && rights & CODE_LONG ? isCanonical(target) : target <= descriptorLimit();
}

function find(vcpu: u32, selector: u32): bool {
  if (readDescriptor(vcpu, selector)) return true;
  return isFaulting() ? false : fail(Exception.Gp, selector);
}

/** Takes the descriptor read last and marks it as accessed, here and in its table. */
function mark(vcpu: u32, segment: u32, selector: u32): bool {
  if (!(descriptorRights() & Rights.Accessed)) changeType(vcpu, selector, Rights.Accessed, 0);
  setSegment(segment, descriptorBase(), descriptorLimit(), descriptorRights() | Rights.Accessed);
  return true;
}

/** VMX knows CPL by the DPL of SS. */
function setNull(segment: u32, level: u32): bool {
  setSegment(segment, 0, 0, Rights.Unusable | (level << Rights.DplShift));
  return true;
}

function isLongActive(): bool { return (frame(VcpuFrame.Efer) & EFER_LMA) != 0; }
function isLongCode(): bool { return isLongActive() && (segmentRights(Segment.Cs) & CODE_LONG) != 0; }

/** A page of the table was not mapped. */
function isFaulting(): bool { return frame(VcpuFrame.CodeMode) >> FAULT_SHIFT != 0; }

function refuse(vector: Exception, selector: u32): AccessStatus {
  raise(vector, selector & SELECTOR_ERROR);
  return AccessStatus.GuestFault;
}

function fail(vector: Exception, selector: u32): bool {
  raise(vector, selector & SELECTOR_ERROR);
  return false;
}
