// Instructions that a hypervisor may see, and the exceptions of those that are not offered.

import { Exception, readMemory32, vmxon } from "../runtime/attempt";
import {
  readCr2, tryDescriptorTables, tryGetsec, tryInvlpg, tryInvpcid, tryInvpcidReserved, tryMonitor, tryMwait, tryNonCanonical,
  tryPause, tryRdpmc, tryRdrand, tryRdseed, tryRsm, tryUndefined, tryVmfunc, tryVmread, tryWbinvd,
} from "../runtime/instructions";
import { CpuidRegister, cpuidRegister } from "../runtime/processor";
import { check, checkDone, checkProtected, checkUndefined } from "./check";

const ECX_RDRAND: u32 = 1 << 30;
const EBX7_INVPCID: u32 = 1 << 10;
const EBX7_RDSEED: u32 = 1 << 18;
/** Nothing is mapped here. */
const UNMAPPED: u64 = 0x600000000000;
const scratch: usize = memory.data(8, 8);

export function checkInstructions(): void {
  checkUndefined("UD2", tryUndefined());
  checkUndefined("MONITOR", tryMonitor());
  checkUndefined("MWAIT", tryMwait());
  checkUndefined("VMXON", vmxon(0));
  checkUndefined("VMREAD", tryVmread());
  checkUndefined("VMFUNC", tryVmfunc());
  checkUndefined("GETSEC", tryGetsec());
  checkUndefined("RSM", tryRsm());
  checkProtected("RDPMC", tryRdpmc());
  checkProtected("a non-canonical address", tryNonCanonical());
  check("a page that is not mapped", readMemory32(UNMAPPED, scratch), Exception.PageFault);
  check("CR2 behind it", readCr2(), UNMAPPED);
  checkDone("WBINVD", tryWbinvd());
  checkDone("INVLPG", tryInvlpg());
  checkDone("PAUSE", tryPause());
  checkDone("SGDT, SIDT, SLDT, STR, LGDT, LIDT", tryDescriptorTables());
  checkShown();
}

/** What CPUID shows works, what it hides does not. */
function checkShown(): void {
  const structured = cpuidRegister(7, CpuidRegister.Ebx);
  check("RDRAND as CPUID says", tryRdrand(), faultUnless(cpuidRegister(1, CpuidRegister.Ecx) & ECX_RDRAND));
  check("RDSEED as CPUID says", tryRdseed(), faultUnless(structured & EBX7_RDSEED));
  check("INVPCID as CPUID says", tryInvpcid(), faultUnless(structured & EBX7_INVPCID));
  if (structured & EBX7_INVPCID) checkProtected("INVPCID of a type that does not exist", tryInvpcidReserved());
}

function faultUnless(shown: u32): u64 {
  return shown != 0 ? Exception.None : Exception.InvalidOpcode;
}
