// What VMX can do on this processor: all capability MSRs read, all requirements checked at once (SDM 3D Appendix A).

import { Msr } from "../msr-index";
import { cpuid, rdmsr, tryRdmsr } from "../processor";
import { EntryControl, EptVpidCapability, ExitControl, PinBased, Primary, Secondary } from "./controls";

/** CPUID.1:ECX.VMX, SDM 3C 24.6. */
export const CPUID_1_ECX_VMX: u32 = 1 << 5;
/** CPUID.7:EBX.FSGSBASE; the floor switches linear memories with WRGSBASE. */
export const CPUID_7_EBX_FSGSBASE: u32 = 1 << 0;

export const BASIC_TRUE_CONTROLS: u64 = 1 << 55;
const BASIC_REVISION_MASK: u64 = 0x7fffffff;
const MISC_ACTIVITY_HLT: u64 = 1 << 6;
const MISC_PREEMPTION_SHIFT_MASK: u64 = 0x1f;

export const PIN_REQUIRED: u32 = PinBased.EXTERNAL_INTERRUPT_EXITING | PinBased.NMI_EXITING | PinBased.VIRTUAL_NMIS | PinBased.VMX_PREEMPTION_TIMER;
export const PRIMARY_REQUIRED: u32 = Primary.USE_TSC_OFFSETTING | Primary.HLT_EXITING | Primary.MWAIT_EXITING | Primary.RDPMC_EXITING | Primary.CR8_LOAD_EXITING
  | Primary.CR8_STORE_EXITING | Primary.USE_IO_BITMAPS | Primary.USE_MSR_BITMAPS | Primary.MONITOR_EXITING
  | Primary.ACTIVATE_SECONDARY_CONTROLS;
/** Set while an event waits, so they must be allowed though they are clear at first. */
export const PRIMARY_WINDOWS: u32 = Primary.INTERRUPT_WINDOW_EXITING | Primary.NMI_WINDOW_EXITING;
/** Must be allowed to stay clear: the kernel has no handler for guests' own CR3 moves. */
export const PRIMARY_FORBIDDEN: u32 = Primary.CR3_LOAD_EXITING | Primary.CR3_STORE_EXITING;
export const SECONDARY_REQUIRED: u32 = Secondary.ENABLE_EPT | Secondary.ENABLE_VPID | Secondary.UNRESTRICTED_GUEST | Secondary.WBINVD_EXITING;
const SECONDARY_OPTIONAL: u32 = Secondary.ENABLE_RDTSCP | Secondary.ENABLE_INVPCID;
export const EXIT_REQUIRED: u32 = ExitControl.SAVE_DEBUG_CONTROLS | ExitControl.HOST_ADDRESS_SPACE_SIZE | ExitControl.ACKNOWLEDGE_INTERRUPT_ON_EXIT
  | ExitControl.SAVE_IA32_PAT | ExitControl.LOAD_IA32_PAT | ExitControl.SAVE_IA32_EFER | ExitControl.LOAD_IA32_EFER;
export const ENTRY_REQUIRED: u32 = EntryControl.LOAD_DEBUG_CONTROLS | EntryControl.LOAD_IA32_PAT | EntryControl.LOAD_IA32_EFER;
export const EPT_VPID_REQUIRED: u64 = EptVpidCapability.PAGE_WALK_LENGTH_4 | EptVpidCapability.WRITE_BACK_STRUCTURES | EptVpidCapability.INVEPT | EptVpidCapability.INVVPID;
/** Of each one is enough. */
export const INVEPT_TYPES: u64 = EptVpidCapability.INVEPT_SINGLE_CONTEXT | EptVpidCapability.INVEPT_ALL_CONTEXTS;
export const INVVPID_TYPES: u64 = EptVpidCapability.INVVPID_SINGLE_CONTEXT | EptVpidCapability.INVVPID_ALL_CONTEXTS;

const scratch = memory.data(16, 8);

let isSuitable: bool = false;
let pinBased: u32 = 0;
let pinBasedAllowed: u32 = 0;
let primary: u32 = 0;
let primaryCapability: u64 = 0;
let secondary: u32 = 0;
let secondaryAllowed: u32 = 0;
let exitControls: u32 = 0;
let entryControls: u32 = 0;
let eptVpid: u64 = 0;
let basic: u64 = 0;
let misc: u64 = 0;

/** Reads every capability. True if the processor has all that the kernel needs, so that the getters below hold; the planner names what it lacks. */
export function readVmxCapabilities(): bool {
  isSuitable = true;
  cpuid(7, 0, scratch);
  require(load<u32>(scratch, 4), CPUID_7_EBX_FSGSBASE);
  cpuid(1, 0, scratch);
  if (!(load<u32>(scratch, 8) & CPUID_1_ECX_VMX)) return false; // without VMX the capability MSRs do not exist
  basic = rdmsr(Msr.IA32_VMX_BASIC);
  misc = rdmsr(Msr.IA32_VMX_MISC);
  if (!(basic & BASIC_TRUE_CONTROLS)) return false;
  const pin = rdmsr(Msr.IA32_VMX_TRUE_PINBASED_CTLS);
  pinBasedAllowed = <u32>(pin >> 32);
  pinBased = adjust(pin, PIN_REQUIRED, 0);
  primaryCapability = rdmsr(Msr.IA32_VMX_TRUE_PROCBASED_CTLS);
  primary = adjust(primaryCapability, PRIMARY_REQUIRED, 0);
  require(<u32>(primaryCapability >> 32), PRIMARY_WINDOWS);
  require(~<u32>primaryCapability, PRIMARY_FORBIDDEN);
  exitControls = adjust(rdmsr(Msr.IA32_VMX_TRUE_EXIT_CTLS), EXIT_REQUIRED, 0);
  entryControls = adjust(rdmsr(Msr.IA32_VMX_TRUE_ENTRY_CTLS), ENTRY_REQUIRED, 0);
  return readSecondaryControls() && isSuitable;
}

function readSecondaryControls(): bool {
  if (!(primary & Primary.ACTIVATE_SECONDARY_CONTROLS) || !tryRdmsr(Msr.IA32_VMX_PROCBASED_CTLS2, scratch)) return false;
  secondaryAllowed = <u32>(load<u64>(scratch) >> 32);
  secondary = adjust(load<u64>(scratch), SECONDARY_REQUIRED, SECONDARY_OPTIONAL);
  if (!(secondary & Secondary.ENABLE_EPT) || !tryRdmsr(Msr.IA32_VMX_EPT_VPID_CAP, scratch)) return false;
  eptVpid = load<u64>(scratch);
  return (eptVpid & EPT_VPID_REQUIRED) == EPT_VPID_REQUIRED && (eptVpid & INVEPT_TYPES) != 0 && (eptVpid & INVVPID_TYPES) != 0;
}

/** Required and available optional bits over the bits that must be 1 (SDM 3D A.3.1: low half allowed-0, high half allowed-1). */
function adjust(capability: u64, required: u32, optional: u32): u32 {
  const allowed1 = <u32>(capability >> 32);
  require(allowed1, required);
  return <u32>capability | ((required | optional) & allowed1);
}

function require(available: u32, required: u32): void {
  if ((required & ~available) != 0) isSuitable = false;
}

export function pinBasedControls(): u32 { return pinBased; }
export function primaryControls(): u32 { return primary; }
export function secondaryControls(): u32 { return secondary; }
/** Whether the processor lets all of these pin-based controls be 1. */
export function allowsPinBased(controls: u32): bool { return (controls & ~pinBasedAllowed) == 0; }
/** Whether the processor lets all of these primary controls be 1. */
export function allowsPrimary(controls: u32): bool { return (controls & ~<u32>(primaryCapability >> 32)) == 0; }
/** Those of these primary controls that may be 0. */
export function clearablePrimary(controls: u32): u32 { return controls & ~<u32>primaryCapability; }
/** Whether the processor lets all of these secondary controls be 1. */
export function allowsSecondary(controls: u32): bool { return (controls & ~secondaryAllowed) == 0; }
export function vmExitControls(): u32 { return exitControls; }
export function vmEntryControls(): u32 { return entryControls; }
export function eptVpidCapabilities(): u64 { return eptVpid; }
export function vmcsRevision(): u32 { return <u32>(basic & BASIC_REVISION_MASK); }
/** Right shift from TSC to preemption-timer ticks, SDM 3D A.6. */
export function preemptionTimerShift(): u64 { return misc & MISC_PREEMPTION_SHIFT_MASK; }
/** Whether a vCPU can be entered in the HLT activity state. */
export function supportsHltActivity(): bool { return (misc & MISC_ACTIVITY_HLT) != 0; }
