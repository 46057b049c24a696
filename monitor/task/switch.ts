// The hardware task switch (SDM 3A 8.3), from the point where the processor has checked gate and descriptor.

import { isRefused, beginAccesses } from "../decoder/device-access";
import { Exception } from "../decoder/fault";
import { Register, frame, readRegister, setFrame, writeRegister } from "../decoder/frame";
import { destination, prepareOperand, writeOperand } from "../decoder/guest-operand";
import { Segment } from "../decoder/segment";
import { AccessStatus, TASK_EXTERNAL, TaskSegment, VcpuFrame } from "../interface";
import {
  Rights, changeType, descriptorBase, descriptorLimit, descriptorRights, readDescriptor, segmentBase, segmentRights, selectorOf, setSegment, setSelector,
} from "./descriptor";
import { loadSegments, loadSegments8086, setExternal } from "./load-segment";
import { REGISTERS, TaskField, isTaskReachable, localTableField, minimumLimit, readCr3, readField, segmentCount, writeField, writeLink } from "./task-state";

/** What asked for the switch: bits 31:30 of the exit qualification, SDM 3C table 28-2. */
const enum Source { Call = 0, Iret = 1, Jump = 2, Gate = 3 }

const FLAGS_DEFINED: u32 = 0x3f7fd5;
const FLAGS_FIXED: u32 = 1 << 1;
const FLAG_NT: u32 = 1 << 14;
const FLAG_VM: u32 = 1 << 17;
const CODE_MODE_CPL_SHIFT: u64 = 2;
const USER_LEVEL: u64 = 3;
const FAULT_VECTOR_SHIFT: u64 = 32;
const RIGHTS_BIG: u32 = 1 << 14;
const NO_ERROR_CODE: u64 = u64.MAX_VALUE;
const CR0_PE: u64 = 1 << 0;
const CR0_PG: u64 = 1 << 31;
const EFER_LMA: u64 = 1 << 10;
/** A present TSS, busy or not, of either size. */
const TSS_MASK: u32 = Rights.Present | Rights.Application | (Rights.Type & ~(Rights.Busy | Rights.Wide));
const TSS_RIGHTS: u32 = Rights.Present | 1;

/** Undecodable if the state of either task cannot be reached. */
export function switchTask(vcpu: u32, qualification: u32, errorCode: u64): AccessStatus {
  const selector = qualification & 0xffff;
  const source = <Source>(qualification >> 30);
  beginAccesses();
  setPrivilege(0);
  setExternal((qualification & TASK_EXTERNAL) != 0);
  if (!hasTasks() || !readDescriptor(vcpu, selector)) return AccessStatus.Undecodable;
  const rights = descriptorRights();
  const base = descriptorBase();
  const limit = descriptorLimit();
  const isWide = (rights & Rights.Wide) != 0;
  const wasWide = (segmentRights(TaskSegment.Task) & Rights.Wide) != 0;
  if ((rights & TSS_MASK) != TSS_RIGHTS || limit < minimumLimit(isWide)) return AccessStatus.Undecodable;
  if (!isTaskReachable(segmentBase(TaskSegment.Task), wasWide, true) || !isTaskReachable(base, isWide, true)) return AccessStatus.Undecodable;
  leave(vcpu, source, wasWide);
  const previous = selectorOf(TaskSegment.Task);
  const isNested = source == Source.Call || source == Source.Gate;
  if (isNested) writeLink(vcpu, base, previous);
  if (source != Source.Iret) changeType(vcpu, selector, Rights.Busy, 0);
  setSelector(TaskSegment.Task, selector);
  setSegment(TaskSegment.Task, base, limit, rights | Rights.Busy);
  if (enter(vcpu, base, isWide, isNested) && errorCode != NO_ERROR_CODE) pushErrorCode(vcpu, isWide, errorCode);
  return AccessStatus.Done;
}

/** Real mode and IA-32e mode know no tasks (SDM 3A 8.7). */
function hasTasks(): bool {
  return (frame(VcpuFrame.Cr0) & CR0_PE) != 0 && !(frame(VcpuFrame.Efer) & EFER_LMA);
}

/** Saves the old task; one that does not wait for the new one's end is no longer busy. */
function leave(vcpu: u32, source: Source, isWide: bool): void {
  const base = segmentBase(TaskSegment.Task);
  const flags = frame(VcpuFrame.Rflags);
  writeField(vcpu, base, isWide, TaskField.InstructionPointer, frame(VcpuFrame.Rip));
  writeField(vcpu, base, isWide, TaskField.Flags, source == Source.Iret ? flags & ~<u64>FLAG_NT : flags);
  for (let i: u32 = 0; i < REGISTERS; i++) writeField(vcpu, base, isWide, TaskField.Registers + i, readRegister(i, 4));
  for (let i: u32 = 0; i < segmentCount(isWide); i++) writeField(vcpu, base, isWide, TaskField.Segments + i, selectorOf(i));
  if (source == Source.Iret || source == Source.Jump) changeType(vcpu, selectorOf(TaskSegment.Task), 0, Rights.Busy);
}

/** Loads the new task; false if a segment of it faults. */
function enter(vcpu: u32, base: u64, isWide: bool, isNested: bool): bool {
  const flags = (readField(vcpu, base, isWide, TaskField.Flags) & FLAGS_DEFINED) | FLAGS_FIXED | (isNested ? FLAG_NT : 0);
  setFrame(VcpuFrame.Rip, readField(vcpu, base, isWide, TaskField.InstructionPointer));
  setFrame(VcpuFrame.Rflags, flags);
  for (let i: u32 = 0; i < REGISTERS; i++) writeRegister(i, 4, readField(vcpu, base, isWide, TaskField.Registers + i));
  for (let i: u32 = 0; i < <u32>TaskSegment.Ldt; i++) setSelector(i, i < segmentCount(isWide) ? readSelector(vcpu, base, isWide, TaskField.Segments + i) : 0);
  setSelector(TaskSegment.Ldt, readSelector(vcpu, base, isWide, localTableField(isWide)));
  if (isWide && frame(VcpuFrame.Cr0) & CR0_PG) setFrame(VcpuFrame.Cr3, readCr3(vcpu, base));
  return flags & FLAG_VM ? loadSegments8086(vcpu) : loadSegments(vcpu);
}

function readSelector(vcpu: u32, base: u64, isWide: bool, field: u32): u32 {
  return readField(vcpu, base, isWide, field) & 0xffff;
}

/** On the new task's stack, as it would be on a handler's; it faults in the new task. */
function pushErrorCode(vcpu: u32, isWide: bool, errorCode: u64): void {
  const size: u32 = isWide ? 4 : 2;
  const width: u32 = segmentRights(Segment.Ss) & RIGHTS_BIG ? 4 : 2;
  const top = readRegister(Register.Rsp, width) - size;
  setPrivilege(frame(VcpuFrame.Rflags) & FLAG_VM ? USER_LEVEL : selectorOf(Segment.Cs) & 3);
  if (!prepareOperand(destination, Segment.Ss, width == 4 ? <u32>top : <u16>top, size, true)) return markExternal();
  writeOperand(vcpu, destination, errorCode);
  if (!isRefused()) writeRegister(Register.Rsp, width, top);
}

/** What has an error code comes from an exception, so that a #SS by its PUSH does too. */
function markExternal(): void {
  const fault = frame(VcpuFrame.CodeMode);
  if (fault >> FAULT_VECTOR_SHIFT != Exception.Pf) setFrame(VcpuFrame.CodeMode, fault | 1);
}

/** Of the accesses that follow, 32-bit code. */
function setPrivilege(level: u64): void {
  setFrame(VcpuFrame.CodeMode, level << CODE_MODE_CPL_SHIFT);
}
