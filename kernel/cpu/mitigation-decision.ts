// What a processor needs against speculation, from what it says of itself: no more than arithmetic on CPUID and
// IA32_ARCH_CAPABILITIES. What it does not declare itself safe from, it is taken to be open to.

/** Sequences of boot/vm-exit-guarded.S, which cost time at each exit or entry, and settings; named in this order. */
export const enum Mitigation {
  /** Exit: IA32_SPEC_CTRL.IBRS is written, so that what a guest taught the branch predictor does not steer the kernel; entry: cleared. */
  Ibrs = 1 << 0,
  /** Once: enhanced IBRS stays on. */
  EnhancedIbrs = 1 << 1,
  /** Once: hyper-threads of one core do not steer each other's branches. */
  Stibp = 1 << 2,
  /** At each start of a partition: IA32_PRED_CMD.IBPB forgets what was learnt. */
  Ibpb = 1 << 3,
  /** Exit: the return stack buffer is filled, so that no RET of the kernel goes where the guest's calls came from. */
  RsbStuffing = 1 << 4,
  /** Exit: one call and LFENCE before the first RET, for processors with enhanced IBRS (post-barrier RSB predictions). */
  RsbBarrier = 1 << 5,
  /** Once: branch history of the guest does not choose the kernel's targets. */
  BhiDisable = 1 << 6,
  /** Once: no alternate predictor for RET while the return stack buffer is empty. */
  RrsbaDisable = 1 << 7,
  /** Entry: VERW overwrites the processor's buffers. */
  Verw = 1 << 8,
  /** Entry: IA32_FLUSH_CMD empties the L1 data cache. */
  L1dFlush = 1 << 9,
}

/** What an exit and what an entry carries out. */
export const ON_EXIT: u32 = Mitigation.Ibrs | Mitigation.RsbStuffing | Mitigation.RsbBarrier;
export const ON_ENTRY: u32 = Mitigation.Ibrs | Mitigation.Verw | Mitigation.L1dFlush;

/** CPUID.7.0:EBX. */
const RTM: u32 = 1 << 11;
/** CPUID.7.0:EDX, SDM 2A table 3-8. */
export namespace Leaf7Edx {
  export const MD_CLEAR: u32 = 1 << 10;
  export const IBRS_IBPB: u32 = 1 << 26;
  export const STIBP: u32 = 1 << 27;
  export const L1D_FLUSH: u32 = 1 << 28;
  export const ARCH_CAPABILITIES: u32 = 1 << 29;
}
/** CPUID.7.2:EDX. */
const RRSBA_CTRL: u32 = 1 << 2;
export const BHI_CTRL: u32 = 1 << 4;

/** IA32_ARCH_CAPABILITIES, SDM 4 table 2-2. */
export namespace ArchCapability {
  export const RDCL_NO: u64 = 1 << 0;
  export const IBRS_ALL: u64 = 1 << 1;
  export const SKIP_L1DFL_VMENTRY: u64 = 1 << 3;
  export const MDS_NO: u64 = 1 << 5;
  export const PSCHANGE_MC_NO: u64 = 1 << 6;
  export const TAA_NO: u64 = 1 << 8;
  export const SBDR_SSDP_NO: u64 = 1 << 13;
  export const FBSDP_NO: u64 = 1 << 14;
  export const PSDP_NO: u64 = 1 << 15;
  export const FB_CLEAR: u64 = 1 << 17;
  export const RRSBA: u64 = 1 << 19;
  export const BHI_NO: u64 = 1 << 20;
  export const PBRSB_NO: u64 = 1 << 24;
  export const RFDS_NO: u64 = 1 << 27;
  export const RFDS_CLEAR: u64 = 1 << 28;
}
const MMIO_STALE_DATA_NO: u64 = ArchCapability.SBDR_SSDP_NO | ArchCapability.FBSDP_NO | ArchCapability.PSDP_NO;

/** What is known of a processor. */
@unmanaged
export class SpeculationFacts {
  /** CPUID.7.0:EBX. */
  features: u32;
  /** CPUID.7.0:EDX. */
  controls: u32;
  /** CPUID.7.2:EDX. */
  finerControls: u32;
  /** Whether its cores have more than one thread. */
  hasSiblings: u32;
  /** IA32_ARCH_CAPABILITIES, 0 where the MSR does not exist. */
  capabilities: u64;
}
export const SPECULATION_FACTS_SIZE: i32 = 24;

/** Whether the MSR IA32_ARCH_CAPABILITIES exists. */
export function hasArchCapabilities(controls: u32): bool { return (controls & Leaf7Edx.ARCH_CAPABILITIES) != 0; }

export function isOpenToMds(facts: SpeculationFacts): bool { return (facts.capabilities & ArchCapability.MDS_NO) == 0; }

export function isOpenToTaa(facts: SpeculationFacts): bool {
  return (facts.features & RTM) != 0 && (facts.capabilities & ArchCapability.TAA_NO) == 0;
}

/** A VMM below this one that flushes the L1 data cache itself says so with SKIP_L1DFL_VMENTRY. */
export function isOpenToL1tf(facts: SpeculationFacts): bool {
  return (facts.capabilities & (ArchCapability.RDCL_NO | ArchCapability.SKIP_L1DFL_VMENTRY)) == 0;
}

/** What to do, as Mitigation bits. `all`: every sequence that the processor has, needed or not. */
export function chooseMitigations(facts: SpeculationFacts, all: bool): u32 {
  return decideMitigations(facts) | (all ? allSequences(facts) : 0);
}

/** What is needed. */
export function decideMitigations(facts: SpeculationFacts): u32 {
  let chosen = branchMitigations(facts);
  if ((facts.controls & Leaf7Edx.L1D_FLUSH) != 0 && isOpenToL1tf(facts)) chosen |= Mitigation.L1dFlush;
  // Where MD_CLEAR exists the flush of the L1 data cache overwrites the buffers as well.
  const buffersFlushed = (chosen & Mitigation.L1dFlush) != 0 && (facts.controls & Leaf7Edx.MD_CLEAR) != 0;
  return needsVerw(facts) && !buffersFlushed ? chosen | Mitigation.Verw : chosen;
}

function branchMitigations(facts: SpeculationFacts): u32 {
  if (!(facts.controls & Leaf7Edx.IBRS_IBPB)) return 0;
  let chosen: u32 = Mitigation.Ibpb;
  if (facts.hasSiblings && (facts.controls & Leaf7Edx.STIBP)) chosen |= Mitigation.Stibp;
  if (!(facts.capabilities & ArchCapability.IBRS_ALL)) return chosen | Mitigation.Ibrs | Mitigation.RsbStuffing;
  chosen |= Mitigation.EnhancedIbrs;
  if (!(facts.capabilities & ArchCapability.PBRSB_NO)) chosen |= Mitigation.RsbBarrier;
  if (!(facts.capabilities & ArchCapability.BHI_NO) && (facts.finerControls & BHI_CTRL)) chosen |= Mitigation.BhiDisable;
  if ((facts.capabilities & ArchCapability.RRSBA) != 0 && (facts.finerControls & RRSBA_CTRL)) chosen |= Mitigation.RrsbaDisable;
  return chosen;
}

function needsVerw(facts: SpeculationFacts): bool {
  const canClear = (facts.controls & Leaf7Edx.MD_CLEAR) != 0;
  if (canClear && (isOpenToMds(facts) || isOpenToTaa(facts))) return true;
  const openToMmio = (facts.capabilities & MMIO_STALE_DATA_NO) != MMIO_STALE_DATA_NO;
  if (openToMmio && (facts.capabilities & ArchCapability.FB_CLEAR) != 0) return true;
  return (facts.capabilities & (ArchCapability.RFDS_NO | ArchCapability.RFDS_CLEAR)) == ArchCapability.RFDS_CLEAR;
}

/** Every sequence that the processor can carry out, needed or not: for measurements and for the cautious. */
export function allSequences(facts: SpeculationFacts): u32 {
  let chosen: u32 = Mitigation.Verw;
  if (facts.controls & Leaf7Edx.IBRS_IBPB) chosen |= Mitigation.Ibpb | Mitigation.Ibrs | Mitigation.RsbStuffing;
  if (facts.controls & Leaf7Edx.L1D_FLUSH) chosen |= Mitigation.L1dFlush;
  return chosen;
}
