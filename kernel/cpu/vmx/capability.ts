// What VMX can do on this processor: all capability MSRs read, all requirements checked at once (SDM 3D Appendix A).

import { print, printLine, printDecimal } from "../../console/print";
import { Msr } from "../msr-index";
import { cpuid, rdmsr, tryRdmsr } from "../processor";
import { EntryControl, EptVpidCapability, ExitControl, PinBased, Primary, Secondary } from "./controls";

/** CPUID.1:ECX.VMX, SDM 3C 24.6. */
const CPUID_1_ECX_VMX: u32 = 1 << 5;
/** CPUID.7:EBX.FSGSBASE; the floor switches linear memories with WRGSBASE. */
const CPUID_7_EBX_FSGSBASE: u32 = 1 << 0;

const BASIC_TRUE_CONTROLS: u64 = 1 << 55;
const BASIC_REVISION_MASK: u64 = 0x7fffffff;
const MISC_ACTIVITY_HLT: u64 = 1 << 6;
const MISC_PREEMPTION_SHIFT_MASK: u64 = 0x1f;

const PIN_REQUIRED: u32 = PinBased.EXTERNAL_INTERRUPT_EXITING | PinBased.NMI_EXITING | PinBased.VIRTUAL_NMIS | PinBased.VMX_PREEMPTION_TIMER;
const PRIMARY_REQUIRED: u32 = Primary.USE_TSC_OFFSETTING | Primary.HLT_EXITING | Primary.MWAIT_EXITING | Primary.RDPMC_EXITING | Primary.CR8_LOAD_EXITING
  | Primary.CR8_STORE_EXITING | Primary.USE_IO_BITMAPS | Primary.USE_MSR_BITMAPS | Primary.MONITOR_EXITING
  | Primary.ACTIVATE_SECONDARY_CONTROLS;
/** Set while an event waits, so they must be allowed though they are clear at first. */
const PRIMARY_WINDOWS: u32 = Primary.INTERRUPT_WINDOW_EXITING | Primary.NMI_WINDOW_EXITING;
/** Must be allowed to stay clear: the kernel has no handler for guests' own CR3 moves. */
const PRIMARY_FORBIDDEN: u32 = Primary.CR3_LOAD_EXITING | Primary.CR3_STORE_EXITING;
const SECONDARY_REQUIRED: u32 = Secondary.ENABLE_EPT | Secondary.ENABLE_VPID | Secondary.UNRESTRICTED_GUEST | Secondary.WBINVD_EXITING;
const SECONDARY_OPTIONAL: u32 = Secondary.ENABLE_RDTSCP | Secondary.ENABLE_INVPCID;
const EXIT_REQUIRED: u32 = ExitControl.SAVE_DEBUG_CONTROLS | ExitControl.HOST_ADDRESS_SPACE_SIZE | ExitControl.ACKNOWLEDGE_INTERRUPT_ON_EXIT
  | ExitControl.SAVE_IA32_PAT | ExitControl.LOAD_IA32_PAT | ExitControl.SAVE_IA32_EFER | ExitControl.LOAD_IA32_EFER;
const ENTRY_REQUIRED: u32 = EntryControl.LOAD_DEBUG_CONTROLS | EntryControl.LOAD_IA32_PAT | EntryControl.LOAD_IA32_EFER;

const scratch = memory.data(16, 8);

let missing: u32 = 0;
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

/**
 * Reads every capability and names each requirement this processor lacks, by MSR and bit.
 * @returns the number of missing requirements; 0 means that the getters below hold.
 */
export function readVmxCapabilities(): u32 {
  missing = 0;
  cpuid(1, 0, scratch);
  if (!(load<u32>(scratch, 8) & CPUID_1_ECX_VMX)) {
    reportMissing("CPUID.1:ECX", 5, "VMX");
    return missing; // without VMX the capability MSRs do not exist
  }
  cpuid(7, 0, scratch);
  if (!(load<u32>(scratch, 4) & CPUID_7_EBX_FSGSBASE)) reportMissing("CPUID.7:EBX", 0, "FSGSBASE");
  basic = rdmsr(Msr.IA32_VMX_BASIC);
  misc = rdmsr(Msr.IA32_VMX_MISC);
  if (!(basic & BASIC_TRUE_CONTROLS)) {
    reportMissing("IA32_VMX_BASIC", 55, "TRUE control MSRs");
    return missing;
  }
  readControls();
  if (primary & Primary.ACTIVATE_SECONDARY_CONTROLS) readSecondaryControls();
  return missing;
}

function readControls(): void {
  const pin = rdmsr(Msr.IA32_VMX_TRUE_PINBASED_CTLS);
  pinBasedAllowed = <u32>(pin >> 32);
  pinBased = adjust(pin, PIN_REQUIRED, 0, "IA32_VMX_TRUE_PINBASED_CTLS");
  const processor = rdmsr(Msr.IA32_VMX_TRUE_PROCBASED_CTLS);
  primaryCapability = processor;
  primary = adjust(processor, PRIMARY_REQUIRED, 0, "IA32_VMX_TRUE_PROCBASED_CTLS");
  requireAllowed(processor, PRIMARY_WINDOWS, "IA32_VMX_TRUE_PROCBASED_CTLS");
  requireClearable(processor, PRIMARY_FORBIDDEN, "IA32_VMX_TRUE_PROCBASED_CTLS");
  exitControls = adjust(rdmsr(Msr.IA32_VMX_TRUE_EXIT_CTLS), EXIT_REQUIRED, 0, "IA32_VMX_TRUE_EXIT_CTLS");
  entryControls = adjust(rdmsr(Msr.IA32_VMX_TRUE_ENTRY_CTLS), ENTRY_REQUIRED, 0, "IA32_VMX_TRUE_ENTRY_CTLS");
}

function readSecondaryControls(): void {
  if (!tryRdmsr(Msr.IA32_VMX_PROCBASED_CTLS2, scratch)) {
    reportMissing("IA32_VMX_PROCBASED_CTLS2", 0, "the MSR itself");
    return;
  }
  secondaryAllowed = <u32>(load<u64>(scratch) >> 32);
  secondary = adjust(load<u64>(scratch), SECONDARY_REQUIRED, SECONDARY_OPTIONAL, "IA32_VMX_PROCBASED_CTLS2");
  if (!(secondary & Secondary.ENABLE_EPT)) return;
  if (!tryRdmsr(Msr.IA32_VMX_EPT_VPID_CAP, scratch)) {
    reportMissing("IA32_VMX_EPT_VPID_CAP", 0, "the MSR itself");
    return;
  }
  eptVpid = load<u64>(scratch);
  requireEptVpid(EptVpidCapability.PAGE_WALK_LENGTH_4);
  requireEptVpid(EptVpidCapability.WRITE_BACK_STRUCTURES);
  requireEptVpid(EptVpidCapability.INVEPT);
  requireEptVpid(EptVpidCapability.INVVPID);
  if (!(eptVpid & (EptVpidCapability.INVEPT_SINGLE_CONTEXT | EptVpidCapability.INVEPT_ALL_CONTEXTS))) requireEptVpid(EptVpidCapability.INVEPT_ALL_CONTEXTS);
  if (!(eptVpid & (EptVpidCapability.INVVPID_SINGLE_CONTEXT | EptVpidCapability.INVVPID_ALL_CONTEXTS))) requireEptVpid(EptVpidCapability.INVVPID_ALL_CONTEXTS);
}

/** Required and available optional bits over the bits that must be 1 (SDM 3D A.3.1: low half allowed-0, high half allowed-1). */
function adjust(capability: u64, required: u32, optional: u32, msr: string): u32 {
  const allowed1 = <u32>(capability >> 32);
  requireAllowed(capability, required, msr);
  return <u32>capability | (required & allowed1) | (optional & allowed1);
}

function requireAllowed(capability: u64, required: u32, msr: string): void {
  let absent = required & ~<u32>(capability >> 32);
  while (absent) {
    reportMissing(msr, 32 + ctz(absent), "control must be allowed to be 1");
    absent &= absent - 1;
  }
}

function requireClearable(capability: u64, forbidden: u32, msr: string): void {
  let forced = forbidden & <u32>capability;
  while (forced) {
    reportMissing(msr, ctz(forced), "control must be allowed to be 0");
    forced &= forced - 1;
  }
}

function requireEptVpid(bit: u64): void {
  if (eptVpid & bit) return;
  reportMissing("IA32_VMX_EPT_VPID_CAP", <u32>ctz(bit), "EPT or VPID capability");
}

function reportMissing(register: string, bit: u32, what: string): void {
  missing++;
  print("missing: ");
  print(register);
  print(" bit ");
  printDecimal(bit);
  print(" (");
  print(what);
  print(")");
  printLine();
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
