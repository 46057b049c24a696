// What the processors stay open to for all that is done against speculation, and the line of the boot log about both.

import { Text, printText } from "../../kernel/boot/symbols";
import { print, printLine } from "../../kernel/console/print";
import {
  ArchCapability, BHI_CTRL, Leaf7Edx, SpeculationFacts, chooseMitigations, isOpenToL1tf, isOpenToMds, isOpenToTaa,
} from "../../kernel/cpu/mitigation-decision";
import { readFacts } from "../../kernel/cpu/mitigations";

/** Attacks that nothing can be done about on this processor, most often because its microcode is old. */
export const enum Exposure {
  BranchTargetInjection = 1 << 0,
  BranchHistoryInjection = 1 << 1,
  L1TerminalFault = 1 << 2,
  MicroarchitecturalDataSampling = 1 << 3,
  TsxAsynchronousAbort = 1 << 4,
  /** A guest that changes the size of a page it executes from stops the machine with a machine check. */
  PageSizeChange = 1 << 5,
}

/** What stays open, as Exposure bits. */
export function decideExposures(facts: SpeculationFacts): u32 {
  let open: u32 = 0;
  if (!(facts.controls & Leaf7Edx.IBRS_IBPB)) open |= Exposure.BranchTargetInjection;
  else if (isOpenToBranchHistory(facts)) open |= Exposure.BranchHistoryInjection;
  if (isOpenToL1tf(facts) && !(facts.controls & Leaf7Edx.L1D_FLUSH)) open |= Exposure.L1TerminalFault;
  if (!(facts.capabilities & ArchCapability.PSCHANGE_MC_NO)) open |= Exposure.PageSizeChange;
  if (facts.controls & Leaf7Edx.MD_CLEAR) return open;
  if (isOpenToMds(facts)) return open | Exposure.MicroarchitecturalDataSampling;
  return isOpenToTaa(facts) ? open | Exposure.TsxAsynchronousAbort : open;
}

/** Enhanced IBRS leaves the branch history to the guest; IBRS that is written at each exit does not. */
function isOpenToBranchHistory(facts: SpeculationFacts): bool {
  if (!(facts.capabilities & ArchCapability.IBRS_ALL)) return false;
  return (facts.capabilities & ArchCapability.BHI_NO) == 0 && (facts.finerControls & BHI_CTRL) == 0;
}

/** One line of the boot log: what is done, and what this processor stays open to. */
export function reportMitigations(all: bool): void {
  const facts = readFacts();
  const chosen = chooseMitigations(facts, all);
  print("mitigations: ");
  if (chosen == 0) print("none");
  printNames(Text.Mitigation, chosen);
  const open = decideExposures(facts);
  if (open != 0) print("; not safe from ");
  printNames(Text.Exposure, open);
  if (open != 0) print(": newer microcode may help");
  printLine();
}

function printNames(list: Text, bits: u32): void {
  for (let rest = bits; rest != 0; rest &= rest - 1) {
    if (rest != bits) print(", ");
    printText(list, rest & (0 - rest));
  }
}
