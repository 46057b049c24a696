// The segment registers of a new task, with the checks of SDM 3A table 8-1. A fault is one of the new task.

import { Exception, raise } from "../decoder/fault";
import { Segment } from "../decoder/segment";
import { TaskSegment } from "../interface";
import {
  Rights, changeType, descriptorBase, descriptorLimit, descriptorRights, isLocal, isNull, privilege, readDescriptor, segmentRights, selectorOf, setSegment,
} from "./descriptor";

const SELECTOR_RPL: u32 = 3;
const SELECTOR_ERROR: u32 = 0xfffc;
const TYPE_LDT: u32 = 2;
const LIMIT_64K: u32 = 0xffff;
/** Present, DPL 3, writable data, accessed: what SDM 3C 27.3.1.2 asks for in virtual-8086 mode. */
const RIGHTS_8086: u32 = 0xf3;
const RIGHTS_CODE_3: u32 = 0xfb;
const USER_LEVEL: u32 = 3;

/** Bit 0 of the error code: an event that is no part of the program asked for the switch (SDM 3A 6.13). */
let external: u32 = 0;

export function setExternal(isExternal: bool): void { external = isExternal ? 1 : 0; }

/** All of them, from the selectors. Until one is loaded there is what a VM entry takes, in place of what came from virtual-8086 mode too. */
export function loadSegments(vcpu: u32): bool {
  if (!(segmentRights(Segment.Cs) & Rights.Code)) {
    setSegment(Segment.Cs, 0, LIMIT_64K, RIGHTS_CODE_3);
    setSegment(Segment.Ss, 0, 0, Rights.Unusable | (USER_LEVEL << Rights.DplShift));
  }
  for (let segment: u32 = Segment.Ds; segment <= <u32>Segment.Gs; segment++) setSegment(segment, 0, 0, Rights.Unusable);
  setSegment(Segment.Es, 0, 0, Rights.Unusable);
  return loadLocalTable(vcpu) && loadCode(vcpu) && loadStack(vcpu) && loadData(vcpu, Segment.Ds) && loadData(vcpu, Segment.Es)
    && loadData(vcpu, Segment.Fs) && loadData(vcpu, Segment.Gs);
}

/** Of virtual-8086 mode (SDM 3B 21.2). */
export function loadSegments8086(vcpu: u32): bool {
  for (let segment: u32 = Segment.Es; segment <= <u32>Segment.Gs; segment++) setSegment(segment, selectorOf(segment) << 4, LIMIT_64K, RIGHTS_8086);
  return loadLocalTable(vcpu);
}

function loadLocalTable(vcpu: u32): bool {
  const selector = selectorOf(TaskSegment.Ldt);
  setSegment(TaskSegment.Ldt, 0, 0, Rights.Unusable);
  if (isNull(selector)) return true;
  if (isLocal(selector) || !readDescriptor(vcpu, selector)) return fail(Exception.Ts, selector);
  if ((descriptorRights() & (Rights.Type | Rights.Application | Rights.Present)) != (TYPE_LDT | Rights.Present)) return fail(Exception.Ts, selector);
  return take(TaskSegment.Ldt);
}

/** CPL is its RPL. */
function loadCode(vcpu: u32): bool {
  const selector = selectorOf(Segment.Cs);
  if (!readDescriptor(vcpu, selector)) return fail(Exception.Ts, selector);
  const rights = descriptorRights();
  const dpl = privilege(rights);
  const level = selector & SELECTOR_RPL;
  if (!isApplication(rights, Rights.Code)) return fail(Exception.Ts, selector);
  if (rights & Rights.Conforming ? dpl > level : dpl != level) return fail(Exception.Ts, selector);
  if (!(rights & Rights.Present)) return fail(Exception.Np, selector);
  // As long as the stack has no segment it has at least the level, by which VMX knows CPL.
  setSegment(Segment.Ss, 0, 0, Rights.Unusable | (level << Rights.DplShift));
  return mark(vcpu, selector, Segment.Cs);
}

function loadStack(vcpu: u32): bool {
  const selector = selectorOf(Segment.Ss);
  const level = selectorOf(Segment.Cs) & SELECTOR_RPL;
  if (!readDescriptor(vcpu, selector)) return fail(Exception.Ts, selector);
  const rights = descriptorRights();
  if (!isApplication(rights, 0) || !(rights & Rights.Writable)) return fail(Exception.Ts, selector);
  if (privilege(rights) != level || (selector & SELECTOR_RPL) != level) return fail(Exception.Ts, selector);
  if (!(rights & Rights.Present)) return fail(Exception.Ss, selector);
  return mark(vcpu, selector, Segment.Ss);
}

function loadData(vcpu: u32, segment: u32): bool {
  const selector = selectorOf(segment);
  if (isNull(selector)) return true;
  if (!readDescriptor(vcpu, selector)) return fail(Exception.Ts, selector);
  const rights = descriptorRights();
  const isCode = (rights & Rights.Code) != 0;
  if (!(rights & Rights.Application) || (isCode && !(rights & Rights.Readable))) return fail(Exception.Ts, selector);
  const level = max<u32>(selectorOf(Segment.Cs) & SELECTOR_RPL, selector & SELECTOR_RPL);
  const isConforming = isCode && (rights & Rights.Conforming) != 0;
  if (!isConforming && privilege(rights) < level) return fail(Exception.Ts, selector);
  if (!(rights & Rights.Present)) return fail(Exception.Np, selector);
  return mark(vcpu, selector, segment);
}

function isApplication(rights: u32, code: u32): bool {
  return (rights & Rights.Application) != 0 && (rights & Rights.Code) == code;
}

/** Takes the descriptor read last and marks it as accessed, here and in its table. */
function mark(vcpu: u32, selector: u32, segment: u32): bool {
  if (!(descriptorRights() & Rights.Accessed)) changeType(vcpu, selector, Rights.Accessed, 0);
  setSegment(segment, descriptorBase(), descriptorLimit(), descriptorRights() | Rights.Accessed);
  return true;
}

function take(segment: u32): bool {
  setSegment(segment, descriptorBase(), descriptorLimit(), descriptorRights());
  return true;
}

function fail(vector: Exception, selector: u32): bool {
  raise(vector, (selector & SELECTOR_ERROR) | external);
  return false;
}
