// VM-execution, VM-exit and VM-entry controls: what this kernel requires, SDM 3C 25.6 to 25.8.

export namespace PinBased {
  export const EXTERNAL_INTERRUPT_EXITING: u32 = 1 << 0;
  export const NMI_EXITING: u32 = 1 << 3;
  export const VIRTUAL_NMIS: u32 = 1 << 5;
  export const VMX_PREEMPTION_TIMER: u32 = 1 << 6;
  export const PROCESS_POSTED_INTERRUPTS: u32 = 1 << 7;
}

export namespace Primary {
  export const INTERRUPT_WINDOW_EXITING: u32 = 1 << 2;
  export const USE_TSC_OFFSETTING: u32 = 1 << 3;
  export const HLT_EXITING: u32 = 1 << 7;
  export const MWAIT_EXITING: u32 = 1 << 10;
  export const RDPMC_EXITING: u32 = 1 << 11;
  export const CR3_LOAD_EXITING: u32 = 1 << 15;
  export const CR3_STORE_EXITING: u32 = 1 << 16;
  export const CR8_LOAD_EXITING: u32 = 1 << 19;
  export const CR8_STORE_EXITING: u32 = 1 << 20;
  export const USE_TPR_SHADOW: u32 = 1 << 21;
  export const NMI_WINDOW_EXITING: u32 = 1 << 22;
  export const USE_IO_BITMAPS: u32 = 1 << 25;
  export const USE_MSR_BITMAPS: u32 = 1 << 28;
  export const MONITOR_EXITING: u32 = 1 << 29;
  export const ACTIVATE_SECONDARY_CONTROLS: u32 = 1 << 31;
}

export namespace Secondary {
  export const VIRTUALIZE_APIC_ACCESSES: u32 = 1 << 0;
  export const ENABLE_EPT: u32 = 1 << 1;
  export const ENABLE_RDTSCP: u32 = 1 << 3;
  export const VIRTUALIZE_X2APIC_MODE: u32 = 1 << 4;
  export const ENABLE_VPID: u32 = 1 << 5;
  export const WBINVD_EXITING: u32 = 1 << 6;
  export const UNRESTRICTED_GUEST: u32 = 1 << 7;
  export const APIC_REGISTER_VIRTUALIZATION: u32 = 1 << 8;
  export const VIRTUAL_INTERRUPT_DELIVERY: u32 = 1 << 9;
  export const ENABLE_INVPCID: u32 = 1 << 12;
}

export namespace ExitControl {
  export const SAVE_DEBUG_CONTROLS: u32 = 1 << 2;
  export const HOST_ADDRESS_SPACE_SIZE: u32 = 1 << 9;
  export const ACKNOWLEDGE_INTERRUPT_ON_EXIT: u32 = 1 << 15;
  export const SAVE_IA32_PAT: u32 = 1 << 18;
  export const LOAD_IA32_PAT: u32 = 1 << 19;
  export const SAVE_IA32_EFER: u32 = 1 << 20;
  export const LOAD_IA32_EFER: u32 = 1 << 21;
}

export namespace EntryControl {
  export const LOAD_DEBUG_CONTROLS: u32 = 1 << 2;
  export const IA32E_MODE_GUEST: u32 = 1 << 9;
  export const LOAD_IA32_PAT: u32 = 1 << 14;
  export const LOAD_IA32_EFER: u32 = 1 << 15;
}

/** Bits of IA32_VMX_EPT_VPID_CAP, SDM 3D A.10. */
export namespace EptVpidCapability {
  export const PAGE_WALK_LENGTH_4: u64 = 1 << 6;
  export const WRITE_BACK_STRUCTURES: u64 = 1 << 14;
  export const PAGES_2M: u64 = 1 << 16;
  export const PAGES_1G: u64 = 1 << 17;
  export const INVEPT: u64 = 1 << 20;
  export const INVEPT_SINGLE_CONTEXT: u64 = 1 << 25;
  export const INVEPT_ALL_CONTEXTS: u64 = 1 << 26;
  export const INVVPID: u64 = 1 << 32;
  export const INVVPID_SINGLE_CONTEXT: u64 = 1 << 41;
  export const INVVPID_ALL_CONTEXTS: u64 = 1 << 42;
}
