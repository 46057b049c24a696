// Model-specific registers but for memory types and time (SDM 4 chapter 2).

import { readMsr } from "../runtime/attempt";
import { check, checkKept, checkProtected, checkRefused, msr } from "./check";

const enum Msr {
  PlatformId = 0x17,
  FeatureControl = 0x3a,
  MicrocodeRevision = 0x8b,
  PlatformInfo = 0xce,
  McgCap = 0x179,
  SysenterEsp = 0x175,
  SysenterEip = 0x176,
  MiscEnable = 0x1a0,
  DebugControl = 0x1d9,
  VmxBasic = 0x480,
  SupervisorState = 0xda0,
  Efer = 0xc0000080,
  Lstar = 0xc0000082,
  Cstar = 0xc0000083,
  FsBase = 0xc0000100,
  KernelGsBase = 0xc0000102,
}

const NON_CANONICAL: u64 = 1 << 63;
const CANONICAL: u64 = 0xffff888888888888;
const scratch: usize = memory.data(8, 8);

export function checkMsrs(): void {
  checkKept("MISC_ENABLE keeps its bits", Msr.MiscEnable, 0x400c51889);
  checkRefused("MISC_ENABLE reserved bit", Msr.MiscEnable, msr(Msr.MiscEnable) | (1 << 1));
  check("FEATURE_CONTROL is locked without VMX", msr(Msr.FeatureControl), 1);
  checkRefused("FEATURE_CONTROL write", Msr.FeatureControl, 5);
  checkRefused("PLATFORM_ID write", Msr.PlatformId, 0);
  check("MCG_CAP has no banks", msr(Msr.McgCap), 0);
  check("PLATFORM_INFO", msr(Msr.PlatformInfo), 0);
  check("microcode revision", msr(Msr.MicrocodeRevision), 0xffffffff00000000);
  checkKept("DEBUGCTL.BTF", Msr.DebugControl, 2);
  checkRefused("DEBUGCTL.LBR", Msr.DebugControl, 1);
  checkProtected("VMX MSRs", readMsr(Msr.VmxBasic, scratch));
  checkProtected("IA32_XSS", readMsr(Msr.SupervisorState, scratch));
  checkRefused("EFER reserved bit", Msr.Efer, msr(Msr.Efer) | (1 << 1));
  checkRefused("EFER.LME while paging", Msr.Efer, msr(Msr.Efer) & ~<u64>(1 << 8));
  checkAddresses();
}

function checkAddresses(): void {
  checkKept("SYSENTER_ESP", Msr.SysenterEsp, CANONICAL);
  checkRefused("SYSENTER_ESP non-canonical", Msr.SysenterEsp, NON_CANONICAL);
  checkRefused("SYSENTER_EIP non-canonical", Msr.SysenterEip, NON_CANONICAL);
  checkKept("LSTAR", Msr.Lstar, CANONICAL);
  checkRefused("LSTAR non-canonical", Msr.Lstar, NON_CANONICAL);
  checkRefused("CSTAR non-canonical", Msr.Cstar, NON_CANONICAL);
  checkKept("FS_BASE", Msr.FsBase, CANONICAL);
  checkRefused("FS_BASE non-canonical", Msr.FsBase, NON_CANONICAL);
  checkRefused("KERNEL_GS_BASE non-canonical", Msr.KernelGsBase, NON_CANONICAL);
}
