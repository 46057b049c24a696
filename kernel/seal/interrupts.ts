// The seal of interrupt remapping: the messages of the functions that partitions own, and COM1's interrupt, have entries, nothing else has.

import { HostVector } from "../../drivers/vectors";
import { FatalReason, fatalWith } from "../boot/fatal";
import { PAGE_SIZE } from "../memory/layout";
import { load64 } from "../memory/physical";
import { NO_PARTITION, PlanHeader, PlanPartition, field64, header32, vcpuApicId } from "../partition/plan";
import { PlanFunction, function32, functionCount } from "../partition/plan-functions";
import { coreApicId } from "../partition/plan-machine";
import { INTERRUPT_ENTRIES, destinationOf, usesExtendedDestinations } from "../vtd/interrupt-remapping";
import { canPost, prepareDescriptor } from "../vtd/posted-descriptor";
import { sourceAt, sourceCount } from "../vtd/sources";
import { Unit } from "../vtd/unit";
import { refusePlan } from "./claims";

// Bits of an entry, VT-d 4.1 9.9 and 9.10.
const PRESENT: u64 = 1 << 0;
const LEVEL: u64 = 1 << 4;
const POSTED: u64 = 1 << 15;
const VECTOR_SHIFT: u64 = 16;
const DESTINATION_SHIFT: u64 = 32;
const DESCRIPTOR_LOW: u64 = 0xffffffc0;
const DESCRIPTOR_HIGH: u64 = 0xffffffff00000000;
/** SVT in bits 19:18, and SQ 0 in bits 17:16: one source id, or those of a range of buses. */
const FORM_SHIFT: u32 = 16;
const FORM_SOURCE: u32 = 1 << 2;
const FORM_BUSES: u32 = 2 << 2;
/** Local APICs outside x2APIC mode have identifiers of 8 bits, 255 standing for all. */
const XAPIC_BROADCAST: u32 = 0xff;
const X2APIC_BROADCAST: u32 = 0xffffffff;

const expected: usize = memory.data(4096, 8); // INTERRUPT_ENTRIES entries of two u64

/** The unit's whole table; its frame has been claimed. */
export function checkInterrupts(unit: Unit): void {
  memory.fill(expected, 0, <usize>PAGE_SIZE);
  for (let record: u32 = 0; record < functionCount(); record++) {
    if (function32(record, PlanFunction.Unit) == unit.index) expectMessages(unit, record);
  }
  if (header32(PlanHeader.InputUnit) == unit.index) {
    const validation = header32(PlanHeader.InputValidation);
    checkValidation(validation, unit.segment, NO_PARTITION);
    const level: u64 = header32(PlanHeader.InputLevel) != 0 ? LEVEL : 0;
    expectEntry(header32(PlanHeader.InputEntry), remapped(unit, HostVector.ConsoleInput, coreApicId(0)) | level, validation);
  }
  for (let offset: u64 = 0; offset < PAGE_SIZE; offset += 8) {
    if (load64(unit.interruptTable + offset) != load<u64>(expected + <usize>offset)) fatalWith(FatalReason.SealRemapping, "interrupt entry", offset >> 4);
  }
}

function expectMessages(unit: Unit, record: u32): void {
  const messages = function32(record, PlanFunction.Messages);
  const first = function32(record, PlanFunction.FirstVector);
  const partition = function32(record, PlanFunction.Partition);
  if (messages == 0) return;
  const areDevices = first >= <u32>HostVector.DeviceFirst && first <= <u32>HostVector.DeviceLast && messages <= <u32>HostVector.DeviceLast + 1 - first;
  if (!areDevices || sharesVectors(record, first, messages)) refusePlan("vectors of function", record);
  const validation = function32(record, PlanFunction.SourceValidation);
  checkValidation(validation, function32(record, PlanFunction.Segment), partition);
  const descriptor = canPost(unit) ? field64(partition, PlanPartition.PostedDescriptor) : 0;
  // Written anew: hardware notifies the core that it names.
  if (descriptor != 0) prepareDescriptor(descriptor, HostVector.DevicesPosted, vcpuApicId(partition, 0), usesExtendedDestinations(unit));
  for (let message: u32 = 0; message < messages; message++) {
    const index = function32(record, PlanFunction.FirstEntry) + message;
    if (descriptor != 0) expectEntry(index, posted(first + message, descriptor), (descriptor & DESCRIPTOR_HIGH) | <u64>validation);
    else expectEntry(index, remapped(unit, first + message, vcpuApicId(partition, 0)), validation);
  }
}

/** Whether a function before it, of the same partition, has one of its vectors. */
function sharesVectors(record: u32, first: u32, messages: u32): bool {
  for (let other: u32 = 0; other < record; other++) {
    const start = function32(other, PlanFunction.FirstVector);
    const isOwners = function32(other, PlanFunction.Partition) == function32(record, PlanFunction.Partition);
    if (isOwners && start < first + messages && first < start + function32(other, PlanFunction.Messages)) return true;
  }
  return false;
}

/** No source id of another partition may use the entry. */
function checkValidation(validation: u32, segment: u32, owner: u32): void {
  const form = validation >> FORM_SHIFT;
  if (form != FORM_SOURCE && form != FORM_BUSES) refusePlan("interrupt source", validation);
  for (let i: u32 = 0; i < sourceCount(); i++) {
    const source = sourceAt(i);
    if (source.segment != segment || source.partition == owner) continue;
    const bus = source.sourceId >> 8;
    const passes = form == FORM_SOURCE ? source.sourceId == (validation & 0xffff) : bus >= (validation >> 8 & 0xff) && bus <= (validation & 0xff);
    if (passes) refusePlan("interrupt source of another", validation);
  }
}

function remapped(unit: Unit, vector: u32, apicId: u32): u64 {
  const extended = usesExtendedDestinations(unit);
  if (apicId >= (extended ? X2APIC_BROADCAST : XAPIC_BROADCAST)) refusePlan("core that no interrupt entry can name", apicId);
  return PRESENT | (<u64>vector << VECTOR_SHIFT) | (<u64>destinationOf(apicId, extended) << DESTINATION_SHIFT);
}

function posted(vector: u32, descriptor: u64): u64 {
  return PRESENT | POSTED | (<u64>vector << VECTOR_SHIFT) | ((descriptor & DESCRIPTOR_LOW) << DESTINATION_SHIFT);
}

function expectEntry(index: u32, low: u64, high: u64): void {
  const slot = expected + (<usize>index << 4);
  if (index >= INTERRUPT_ENTRIES || load<u64>(slot) != 0) return refusePlan("interrupt entry with two uses", index);
  store<u64>(slot, low);
  store<u64>(slot, high, 8);
}
