// What every unit must have before a device is given away; what is missing is named all at once, by mnemonic and section.

import { print, printRest } from "../../kernel/console/print";
import { ECAP_EIM, ECAP_IR, ECAP_QI, ECAP_SLTS, ECAP_SMTS, domainsOf, maximumGuestWidth } from "../../kernel/vtd/register";
import { isDestination } from "./interrupt-entry";
import { tableLevels } from "./shape";
import { Unit, unitAt, unitCount } from "../../kernel/vtd/unit";

/** SAGAW without a width that the kernel's tables have. */
const NO_LEVELS: u32 = 0;

let missing: u32 = 0;

/** A unit that gives all ones is not there: whatever the table says, it holds nothing back. */
export function answers(unit: Unit): bool {
  return unit.capability != u64.MAX_VALUE && unit.extended != u64.MAX_VALUE;
}

/**
 * Checks all units for `partitions` domains of which the largest reaches up to `topAddress`, and cores with APIC
 * identifiers up to `topApicId`; returns the number of missing requirements, each of which was printed. `scalable`: the policy
 * asks for scalable mode.
 */
export function checkUnits(partitions: u32, topAddress: u64, topApicId: u32, scalable: bool): u32 {
  missing = 0;
  for (let i: u32 = 0; i < unitCount(); i++) {
    checkUnit(unitAt(i), partitions, topAddress, scalable);
    if (!isDestination(topApicId, false) && (unitAt(i).extended & ECAP_EIM) == 0) {
      report(i, "ECAP.EIM bit 4 (VT-d 11.4.3)", "extended interrupt mode, for cores with APIC identifiers above 254");
    }
  }
  if (missing == 0 && tableLevels() == NO_LEVELS) report(0, "CAP.SAGAW bits 12:8 (VT-d 11.4.2)", "a table depth of 3, 4 or 5 levels that all units share");
  return missing;
}

function checkUnit(unit: Unit, partitions: u32, topAddress: u64, scalable: bool): void {
  const index = unit.index;
  if (!answers(unit)) return report(index, "VER, CAP and ECAP (VT-d 11.4)", "registers that answer");
  // Number 0 stays unused: a unit in caching mode marks with it what is not there (CAP.CM).
  if (domainsOf(unit.capability) <= partitions) report(index, "CAP.ND bits 2:0 (VT-d 11.4.2)", "a domain number for each partition");
  if (topAddress > addressLimit(unit)) report(index, "CAP.MGAW bits 21:16 (VT-d 11.4.2)", "addresses up to the end of every partition's memory");
  if ((unit.extended & ECAP_QI) == 0) report(index, "ECAP.QI bit 1 (VT-d 11.4.3)", "queued invalidation, without which there is no interrupt remapping");
  if ((unit.extended & ECAP_IR) == 0) report(index, "ECAP.IR bit 3 (VT-d 11.4.3)", "interrupt remapping");
  if (!scalable) return;
  if ((unit.extended & ECAP_SMTS) == 0) report(index, "ECAP.SMTS bit 43 (VT-d 11.4.3)", "scalable mode, which the policy asks for");
  if ((unit.extended & ECAP_SLTS) == 0) report(index, "ECAP.SLTS bit 46 (VT-d 11.4.3)", "second-level translation in scalable mode");
}

function addressLimit(unit: Unit): u64 {
  const width = maximumGuestWidth(unit.capability);
  return width >= 64 ? u64.MAX_VALUE : <u64>1 << width;
}

function report(unit: u32, register: string, what: string): void {
  missing++;
  print("missing: vtd unit %d ", unit);
  print(register);
  print(": ");
  printRest(what);
}
