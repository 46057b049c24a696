// The seal of interrupts: each present entry of an interrupt remapping table (VT-d 4.1 9.9 and 9.10) is in the list, with
// exactly what the list says, and all of the list is there.

import { load64 } from "../memory/physical";
import { checkFrames } from "./walker-frame";
import { FAULTS_HIDDEN, SOURCE_UNCHECKED, UNEXPECTED_BIT, WRONG_DESCRIPTOR, failWalk } from "./walker-failure";

/** What an interrupt entry must be. */
@unmanaged
export class InterruptGrant {
  index: u32;
  /** Vector; of a posted interrupt the virtual one. */
  vector: u32;
  /** APIC id of the core; of a posted interrupt unused. */
  destination: u32;
  levelTriggered: u32;
  /** SVT, SQ and SID: bits 19:18, 17:16 and 15:0. */
  sourceValidation: u32;
  /** 1: a posted interrupt that notifies even while notifications are suppressed. */
  urgent: u32;
  /** Physical address of the posted-interrupt descriptor; 0: a remapped interrupt. */
  descriptor: u64;
}
export const INTERRUPT_GRANT_SIZE: usize = 32;

const ENTRY_SIZE: u64 = 16;
const PAGE: u64 = 4096;

/** Bits 63:0. */
const P: u64 = 1 << 0;
const FPD: u64 = 1 << 1;
const TM: u64 = 1 << 4;
const URG: u64 = 1 << 14; // urgent, of a posted interrupt
const IM: u64 = 1 << 15; // posted
const V_SHIFT: u64 = 16;
const V: u64 = 0xff << 16;
const DST_SHIFT: u64 = 32;
const DST: u64 = 0xffffffff << 32;
/** APIC id in DST where the unit is not in extended interrupt mode. */
const XAPIC_DST_SHIFT: u64 = 40;
/** Posted-interrupt descriptor, address bits 31:6. */
const PDAL: u64 = 0x3ffffff << 38;
const PDAL_SHIFT: u64 = 32;
const PDAL_ADDRESS: u64 = 0xffffffc0;

/** Bits 127:64. */
const VALIDATION: u64 = 0xfffff;
const SVT_SHIFT: u32 = 18;
const SVT_SOURCE: u32 = 1;
const SVT_BUS_RANGE: u32 = 2;
const PDAH: u64 = 0xffffffff << 32;

let list: usize = 0;
let listLength: u32 = 0;
let extended: bool = false;

/**
 * Checks the table of `entries` entries at `table` against the `count` InterruptGrant records at `grants`;
 * `extendedMode`: destinations are x2APIC ids (IRTA.EIME).
 */
export function checkInterruptTable(table: u64, entries: u32, grants: usize, count: u32, extendedMode: bool): bool {
  list = grants;
  listLength = count;
  extended = extendedMode;
  if ((table & (PAGE - 1)) != 0) return failWalk(UNEXPECTED_BIT, 0, table);
  let isGood = checkFrames(table, (<u64>entries * ENTRY_SIZE + PAGE - 1) / PAGE, 0, table) && checkList(table, entries);
  for (let i: u32 = 0; isGood && i < entries; i++) isGood = checkEntry(table, i);
  return isGood;
}

function checkList(table: u64, entries: u32): bool {
  for (let i: u32 = 0; i < listLength; i++) {
    const grant = grantAt(i);
    const svt = grant.sourceValidation >> SVT_SHIFT;
    if (svt != SVT_SOURCE && svt != SVT_BUS_RANGE) return failWalk(SOURCE_UNCHECKED, grant.index, grant.sourceValidation);
    for (let k: u32 = 0; k < i; k++) {
      if (grantAt(k).index == grant.index) return failWalk("an interrupt entry is listed twice", grant.index, 0);
    }
    if (grant.index >= entries || (load64(table + <u64>grant.index * ENTRY_SIZE) & P) == 0) {
      return failWalk("an interrupt entry is missing", grant.index, 0);
    }
  }
  return true;
}

function checkEntry(table: u64, index: u32): bool {
  const slot = table + <u64>index * ENTRY_SIZE;
  const lower = load64(slot);
  if ((lower & P) == 0) return true;
  for (let i: u32 = 0; i < listLength; i++) {
    const grant = grantAt(i);
    if (grant.index == index) return compareEntry(grant, lower, load64(slot + 8));
  }
  return failWalk("an interrupt entry that nobody uses is present", index, lower);
}

function compareEntry(grant: InterruptGrant, lower: u64, upper: u64): bool {
  const index = grant.index;
  const svt = <u32>(upper >> SVT_SHIFT) & 3;
  if (svt != SVT_SOURCE && svt != SVT_BUS_RANGE) return failWalk(SOURCE_UNCHECKED, index, upper);
  if ((upper & VALIDATION) != grant.sourceValidation) return failWalk("an interrupt entry belongs to another source than granted", index, upper);
  if ((lower & FPD) != 0) return failWalk(FAULTS_HIDDEN, index, lower);
  if ((lower & V) != <u64>grant.vector << V_SHIFT) return failWalk("an interrupt entry has another vector than granted", index, lower);
  if (((lower & IM) != 0) != (grant.descriptor != 0)) return failWalk(WRONG_DESCRIPTOR, index, lower);
  return grant.descriptor != 0 ? comparePosted(grant, lower, upper) : compareRemapped(grant, lower, upper);
}

/** Destination mode, redirection hint and delivery mode are 0: fixed, to one core by its physical id. */
function compareRemapped(grant: InterruptGrant, lower: u64, upper: u64): bool {
  const index = grant.index;
  const destination = <u64>grant.destination << (extended ? DST_SHIFT : XAPIC_DST_SHIFT);
  if ((lower & DST) != destination) return failWalk("an interrupt entry leads to another core than granted", index, lower);
  if ((lower & TM) != (grant.levelTriggered != 0 ? TM : 0)) return failWalk("an interrupt entry has another trigger mode than granted", index, lower);
  if ((lower & ~(V | DST | TM)) != P) return failWalk(UNEXPECTED_BIT, index, lower);
  return (upper & ~VALIDATION) == 0 || failWalk(UNEXPECTED_BIT, index, upper);
}

/** A descriptor has 64 bytes: the entry holds its address bits 63:6 in two parts. */
function comparePosted(grant: InterruptGrant, lower: u64, upper: u64): bool {
  const index = grant.index;
  const descriptor = ((lower >> PDAL_SHIFT) & PDAL_ADDRESS) | (upper & PDAH);
  if (descriptor != grant.descriptor) return failWalk(WRONG_DESCRIPTOR, index, descriptor);
  const mode = P | IM | (grant.urgent != 0 ? URG : 0);
  if ((lower & ~(V | PDAL)) != mode) return failWalk(UNEXPECTED_BIT, index, lower);
  if ((upper & ~(VALIDATION | PDAH)) != 0) return failWalk(UNEXPECTED_BIT, index, upper);
  return checkFrames(descriptor & ~(PAGE - 1), 1, index, descriptor);
}

function grantAt(index: u32): InterruptGrant {
  return changetype<InterruptGrant>(list + <usize>index * INTERRUPT_GRANT_SIZE);
}
