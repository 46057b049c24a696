// What a processor lacks of what the kernel needs, each by MSR and bit (SDM 3D Appendix A); kernel/cpu/vmx/capability.ts has the needs.

import { print } from "../../kernel/console/print";
import { Msr } from "../../kernel/cpu/msr-index";
import { cpuid, rdmsr, tryRdmsr } from "../../kernel/cpu/processor";
import {
  BASIC_TRUE_CONTROLS, CPUID_1_ECX_VMX, CPUID_7_EBX_FSGSBASE, ENTRY_REQUIRED, EPT_VPID_REQUIRED, EXIT_REQUIRED, INVEPT_TYPES, INVVPID_TYPES, PIN_REQUIRED,
  PRIMARY_FORBIDDEN, PRIMARY_REQUIRED, PRIMARY_WINDOWS, SECONDARY_REQUIRED,
} from "../../kernel/cpu/vmx/capability";
import { EptVpidCapability, Primary, Secondary } from "../../kernel/cpu/vmx/controls";

const scratch = memory.data(16, 8);

let missing: u32 = 0;

/** Names each requirement that this processor lacks; returns their number. */
export function nameMissingCapabilities(): u32 {
  missing = 0;
  cpuid(1, 0, scratch);
  if (!(load<u32>(scratch, 8) & CPUID_1_ECX_VMX)) {
    reportMissing("CPUID.1:ECX", 5, "VMX");
    return missing; // without VMX the capability MSRs do not exist
  }
  cpuid(7, 0, scratch);
  if (!(load<u32>(scratch, 4) & CPUID_7_EBX_FSGSBASE)) reportMissing("CPUID.7:EBX", 0, "FSGSBASE");
  if (rdmsr(Msr.IA32_VMX_BASIC) & BASIC_TRUE_CONTROLS) nameControls();
  else reportMissing("IA32_VMX_BASIC", 55, "TRUE control MSRs");
  return missing;
}

function nameControls(): void {
  requireAllowed(rdmsr(Msr.IA32_VMX_TRUE_PINBASED_CTLS), PIN_REQUIRED, "IA32_VMX_TRUE_PINBASED_CTLS");
  const processor = rdmsr(Msr.IA32_VMX_TRUE_PROCBASED_CTLS);
  requireAllowed(processor, PRIMARY_REQUIRED | PRIMARY_WINDOWS, "IA32_VMX_TRUE_PROCBASED_CTLS");
  requireClearable(processor, PRIMARY_FORBIDDEN, "IA32_VMX_TRUE_PROCBASED_CTLS");
  requireAllowed(rdmsr(Msr.IA32_VMX_TRUE_EXIT_CTLS), EXIT_REQUIRED, "IA32_VMX_TRUE_EXIT_CTLS");
  requireAllowed(rdmsr(Msr.IA32_VMX_TRUE_ENTRY_CTLS), ENTRY_REQUIRED, "IA32_VMX_TRUE_ENTRY_CTLS");
  if (allows(processor, Primary.ACTIVATE_SECONDARY_CONTROLS)) nameSecondaryControls();
}

function nameSecondaryControls(): void {
  if (!tryRdmsr(Msr.IA32_VMX_PROCBASED_CTLS2, scratch)) return reportMissing("IA32_VMX_PROCBASED_CTLS2", 0, "the MSR itself");
  requireAllowed(load<u64>(scratch), SECONDARY_REQUIRED, "IA32_VMX_PROCBASED_CTLS2");
  if (!allows(load<u64>(scratch), Secondary.ENABLE_EPT)) return;
  if (!tryRdmsr(Msr.IA32_VMX_EPT_VPID_CAP, scratch)) return reportMissing("IA32_VMX_EPT_VPID_CAP", 0, "the MSR itself");
  const eptVpid = load<u64>(scratch);
  for (let absent = EPT_VPID_REQUIRED & ~eptVpid; absent != 0; absent &= absent - 1) requireEptVpid(eptVpid, absent & (0 - absent));
  if (!(eptVpid & INVEPT_TYPES)) requireEptVpid(eptVpid, EptVpidCapability.INVEPT_ALL_CONTEXTS);
  if (!(eptVpid & INVVPID_TYPES)) requireEptVpid(eptVpid, EptVpidCapability.INVVPID_ALL_CONTEXTS);
}

function allows(capability: u64, control: u32): bool { return (<u32>(capability >> 32) & control) != 0; }

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

function requireEptVpid(eptVpid: u64, bit: u64): void {
  if (eptVpid & bit) return;
  reportMissing("IA32_VMX_EPT_VPID_CAP", <u32>ctz(bit), "EPT or VPID capability");
}

function reportMissing(register: string, bit: u32, what: string): void {
  missing++;
  print("missing: ");
  print(register);
  print(" bit %d (", bit);
  print(what);
  print(")\n");
}
