// Against speculation: what this core's processor needs, carried out. The sequences of exits and entries stand in
// boot/vm-exit-guarded.S, which reads Fixed.Mitigations; a processor that needs none never comes through there.

import { Fixed } from "../memory/layout";
import {
  Mitigation, ON_ENTRY, SPECULATION_FACTS_SIZE, SpeculationFacts, chooseMitigations, hasArchCapabilities,
} from "./mitigation-decision";
import { Msr } from "./msr-index";
import { cpuid, tryRdmsr, wrmsr } from "./processor";
import { siblingShift } from "./topology";

const LEAF_FEATURES: u32 = 7;

/** IA32_SPEC_CTRL, SDM 4 table 2-2. */
const enum SpecCtrl {
  IBRS = 1 << 0,
  STIBP = 1 << 1,
  RRSBA_DIS_S = 1 << 6,
  BHI_DIS_S = 1 << 10,
}
/** IA32_PRED_CMD. */
const PRED_CMD_IBPB: u64 = 1 << 0;

const facts: SpeculationFacts = changetype<SpeculationFacts>(memory.data(SPECULATION_FACTS_SIZE, 8));
const scratch = memory.data(16, 8);

/** What this core's processor says of itself. */
export function readFacts(): SpeculationFacts {
  cpuid(0, 0, scratch);
  const highest = load<u32>(scratch);
  facts.features = 0;
  facts.controls = 0;
  facts.finerControls = 0;
  if (highest >= LEAF_FEATURES) readFeatureLeaf();
  facts.hasSiblings = siblingShift() != 0 ? 1 : 0;
  facts.capabilities = 0;
  if (hasArchCapabilities(facts.controls) && tryRdmsr(Msr.IA32_ARCH_CAPABILITIES, scratch)) facts.capabilities = load<u64>(scratch);
  return facts;
}

function readFeatureLeaf(): void {
  cpuid(LEAF_FEATURES, 0, scratch);
  const subleaves = load<u32>(scratch);
  facts.features = load<u32>(scratch, 4);
  facts.controls = load<u32>(scratch, 12);
  if (subleaves < 2) return;
  cpuid(LEAF_FEATURES, 2, scratch);
  facts.finerControls = load<u32>(scratch, 12);
}

/**
 * Decides for this core and sets what is set once. Comes before the vCPU's host state is written.
 * @param all carry out every sequence that the processor has, needed or not
 */
export function startMitigations(all: bool): void {
  const chosen = chooseMitigations(readFacts(), all);
  store<u32>(Fixed.Mitigations, chosen);
  store<u32>(Fixed.SpecCtrl, specCtrl(chosen));
  if (specCtrl(chosen) != 0) wrmsr(Msr.IA32_SPEC_CTRL, specCtrl(chosen));
}

/** IA32_SPEC_CTRL while the kernel runs. */
function specCtrl(chosen: u32): u32 {
  let value: u32 = 0;
  if (chosen & (Mitigation.Ibrs | Mitigation.EnhancedIbrs)) value |= SpecCtrl.IBRS;
  if (chosen & Mitigation.Stibp) value |= SpecCtrl.STIBP;
  if (chosen & Mitigation.BhiDisable) value |= SpecCtrl.BHI_DIS_S;
  if (chosen & Mitigation.RrsbaDisable) value |= SpecCtrl.RRSBA_DIS_S;
  return value;
}

/** Whether VM entries need a sequence. */
export function guardsEntries(): bool { return (load<u32>(Fixed.Mitigations) & ON_ENTRY) != 0; }

/** Forgets what branches the partition's last run taught; before each start. */
export function forgetBranches(): void {
  if (load<u32>(Fixed.Mitigations) & Mitigation.Ibpb) wrmsr(Msr.IA32_PRED_CMD, PRED_CMD_IBPB);
}
