// Basic exit reasons, SDM 3D Appendix C.

export const enum ExitReason {
  EXCEPTION_OR_NMI = 0,
  EXTERNAL_INTERRUPT = 1,
  TRIPLE_FAULT = 2,
  INIT_SIGNAL = 3,
  INTERRUPT_WINDOW = 7,
  NMI_WINDOW = 8,
  TASK_SWITCH = 9,
  CPUID = 10,
  GETSEC = 11,
  HLT = 12,
  INVD = 13,
  RDPMC = 15,
  VMCALL = 18,
  VMCLEAR = 19,
  VMLAUNCH = 20,
  VMPTRLD = 21,
  VMPTRST = 22,
  VMREAD = 23,
  VMRESUME = 24,
  VMWRITE = 25,
  VMXOFF = 26,
  VMXON = 27,
  CONTROL_REGISTER_ACCESS = 28,
  IO_INSTRUCTION = 30,
  RDMSR = 31,
  WRMSR = 32,
  ENTRY_FAILURE_GUEST_STATE = 33,
  ENTRY_FAILURE_MSR_LOADING = 34,
  MWAIT = 36,
  MONITOR = 39,
  ENTRY_FAILURE_MACHINE_CHECK = 41,
  APIC_ACCESS = 44,
  VIRTUALIZED_EOI = 45,
  EPT_VIOLATION = 48,
  EPT_MISCONFIGURATION = 49,
  INVEPT = 50,
  VMX_PREEMPTION_TIMER = 52,
  INVVPID = 53,
  WBINVD = 54,
  XSETBV = 55,
  APIC_WRITE = 56,
  COUNT = 128,
}

/** Bit 31 of the exit-reason field: the VM entry itself failed. */
export const ENTRY_FAILURE: u32 = 0x80000000;

export function exitReasonName(reason: u32): string {
  switch (reason) {
    case ExitReason.EXCEPTION_OR_NMI: return "exception or NMI";
    case ExitReason.EXTERNAL_INTERRUPT: return "external interrupt";
    case ExitReason.TRIPLE_FAULT: return "triple fault";
    case ExitReason.INIT_SIGNAL: return "INIT signal";
    case ExitReason.INTERRUPT_WINDOW: return "interrupt window";
    case ExitReason.NMI_WINDOW: return "NMI window";
    case ExitReason.TASK_SWITCH: return "task switch";
    case ExitReason.CPUID: return "CPUID";
    case ExitReason.GETSEC: return "GETSEC";
    case ExitReason.HLT: return "HLT";
    case ExitReason.INVD: return "INVD";
    case ExitReason.RDPMC: return "RDPMC";
    case ExitReason.VMCALL: return "VMCALL";
    case ExitReason.VMCLEAR: return "VMCLEAR";
    case ExitReason.VMLAUNCH: return "VMLAUNCH";
    case ExitReason.VMPTRLD: return "VMPTRLD";
    case ExitReason.VMPTRST: return "VMPTRST";
    case ExitReason.VMREAD: return "VMREAD";
    case ExitReason.VMRESUME: return "VMRESUME";
    case ExitReason.VMWRITE: return "VMWRITE";
    case ExitReason.VMXOFF: return "VMXOFF";
    case ExitReason.VMXON: return "VMXON";
    case ExitReason.CONTROL_REGISTER_ACCESS: return "CR access";
    case ExitReason.IO_INSTRUCTION: return "I/O";
    case ExitReason.RDMSR: return "RDMSR";
    case ExitReason.WRMSR: return "WRMSR";
    case ExitReason.ENTRY_FAILURE_GUEST_STATE: return "invalid guest state";
    case ExitReason.ENTRY_FAILURE_MSR_LOADING: return "MSR loading";
    case ExitReason.MWAIT: return "MWAIT";
    case ExitReason.MONITOR: return "MONITOR";
    case ExitReason.ENTRY_FAILURE_MACHINE_CHECK: return "machine check at entry";
    case ExitReason.APIC_ACCESS: return "APIC access";
    case ExitReason.VIRTUALIZED_EOI: return "virtualised EOI";
    case ExitReason.EPT_VIOLATION: return "EPT violation";
    case ExitReason.EPT_MISCONFIGURATION: return "EPT misconfiguration";
    case ExitReason.INVEPT: return "INVEPT";
    case ExitReason.VMX_PREEMPTION_TIMER: return "preemption timer";
    case ExitReason.INVVPID: return "INVVPID";
    case ExitReason.WBINVD: return "WBINVD";
    case ExitReason.XSETBV: return "XSETBV";
    case ExitReason.APIC_WRITE: return "APIC write";
    default: return "unnamed reason";
  }
}
