// CPUID: what is shown agrees with what works, and what is not virtualised is not shown (SDM 2A CPUID).

import { cpuid, CpuidRegister, cpuidRegister } from "../runtime/processor";
import { readCr4, writeCr4 } from "../runtime/attempt";
import { check, checkTrue } from "./check";

const CR4_OSXSAVE: u64 = 1 << 18;
const ECX_VMX: u32 = 1 << 5;
const ECX_MONITOR: u32 = 1 << 3;
const ECX_OSXSAVE: u32 = 1 << 27;
const ECX_HYPERVISOR: u32 = 1 << 31;
const EDX_MTRR: u32 = 1 << 12;
const EDX_PAT: u32 = 1 << 16;
const EBX7_TSC_ADJUST: u32 = 1 << 1;
const HIGHEST_BASIC: u32 = 0xd;

const registers: usize = memory.data(32, 8);

export function checkCpuid(): void {
  const ecx = cpuidRegister(1, CpuidRegister.Ecx);
  const edx = cpuidRegister(1, CpuidRegister.Edx);
  checkTrue("cpuid hides VMX and MONITOR", (ecx & (ECX_VMX | ECX_MONITOR)) == 0);
  checkTrue("cpuid shows a hypervisor", (ecx & ECX_HYPERVISOR) != 0);
  checkTrue("cpuid shows MTRRs and PAT", (edx & (EDX_MTRR | EDX_PAT)) == (EDX_MTRR | EDX_PAT));
  checkTrue("cpuid shows TSC_ADJUST", (cpuidRegister(7, CpuidRegister.Ebx) & EBX7_TSC_ADJUST) != 0);
  check("cpuid ends below leaves 15H and 16H", cpuidRegister(0, CpuidRegister.Eax), HIGHEST_BASIC);
  checkBeyondHighest();
  checkMirror();
}

/** Beyond the highest leaf the processor answers with the highest basic one. */
function checkBeyondHighest(): void {
  cpuid(HIGHEST_BASIC, 0, registers);
  cpuid(0x16, 0, registers + 16);
  checkTrue("cpuid beyond the highest leaf", load<u64>(registers) == load<u64>(registers, 16) && load<u64>(registers, 8) == load<u64>(registers, 24));
}

function checkMirror(): void {
  const before = readCr4();
  writeCr4(before | CR4_OSXSAVE);
  const set = cpuidRegister(1, CpuidRegister.Ecx) & ECX_OSXSAVE;
  writeCr4(before & ~CR4_OSXSAVE);
  const cleared = cpuidRegister(1, CpuidRegister.Ecx) & ECX_OSXSAVE;
  writeCr4(before);
  checkTrue("cpuid mirrors CR4.OSXSAVE", set != 0 && cleared == 0);
}
