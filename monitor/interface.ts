// The one interface between kernel and monitor; both sides import this file.
//
// The first 4 KiB of the monitor's linear memory are the mailbox. The kernel reads and writes it in place
// (kernel/partition/monitor.ts), so that an entry with nothing pending costs no call.

export const MAXIMUM_VCPUS: u32 = 8;
/** Behind the mailbox: MAXIMUM_VCPUS pages, the local APIC of each vCPU as a virtual-APIC page (SDM 3C 30.1). */
export const VIRTUAL_APIC_BASE: u32 = 0x1000;

/** Offsets in such a page behind the registers. */
export const enum VirtualApicPage {
  Posted = 0x400, // a map like IRR: interrupts that wait to be entered into IRR or posted
  Private = 0x480, // what only the monitor knows of the local APIC
  Descriptor = 0x4c0, // posted-interrupt descriptor of the vCPU (SDM 3C 30.6), 64 bytes, filled by the kernel
  DescriptorControl = 0x4e0, // u32 in it: bit 0 ON
}
/** PCI functions assigned to one partition. */
export const MAXIMUM_FUNCTIONS: u32 = 8;
/** MSI-X entries that the virtual table of a function has at most; the kernel programs no more on the real one. */
export const MAXIMUM_MESSAGES: u32 = 64;

/** Offsets in the mailbox page. */
export const enum Mailbox {
  Vcpus = 0x000, // MAXIMUM_VCPUS records of VcpuMailbox.Size bytes
  Request = 0x200, // u32 PartitionRequest, written by the monitor, cleared by the kernel
  Status = 0x204, // u32 AccessStatus of the access answered last
  OutputHead = 0x208, // u32, bytes put by the monitor since start; index in the ring is head % OUTPUT_RING
  OutputTail = 0x20c, // u32, bytes taken by the kernel
  InputHead = 0x210, // u32, bytes put by the kernel
  InputTail = 0x214, // u32, bytes taken by the monitor
  /**
   * u32 mask of vCPUs other than the caller whose record changed so that their core must look: an event newly pending, an INIT or
   * SIPI, an earlier deadline; in bits 15:8 those to whom the kernel posts what waits in VirtualApicPage.Posted. Set by the monitor,
   * taken by the kernel.
   */
  Kick = 0x218,
  VcpuCount = 0x240, // u32, from here on: written by the kernel before start()
  Devices = 0x244, // u32, mask of Device
  ImageKind = 0x248, // u32 ImageKind
  TscFrequency = 0x250, // u64 Hz
  LowMemory = 0x258, // u64 bytes of RAM from GPA 0, at most LOW_MEMORY_LIMIT
  HighMemory = 0x260, // u64 bytes of RAM from GPA 4 GiB
  WallClock = 0x268, // u64 seconds since 1970-01-01 UTC at start()
  FunctionCount = 0x270, // u32
  LoadDetail = 0x274, // u32, what some values of LoadStatus are about; written by the monitor
  ApicFeatures = 0x278, // u32 mask of ApicFeature, written by the kernel before start()
  DiskFlags = 0x27c, // u32, mask of DiskFlag
  FastStrings = 0x280, // u32 1: IA32_MISC_ENABLE of the processor has fast strings on; written before start(), as the next one
  PhysicalAddressBits = 0x284, // u32 MAXPHYADDR
  Cpuid = 0x288, // 4 u32, EAX to EDX: the processor's answer, filled by the kernel for cpuid(), and then the guest's
  GrantedXcr0 = 0x298, // u64 bits of XCR0 that the guest may set, 0 without XSAVE; written before start(), as what follows
  StateComponents = 0x2a0, // from FIRST_COMPONENT to LAST_COMPONENT three u32: EAX, EBX, ECX of the component's subleaf of CPUID.0DH
  Frame = 0x300, // VcpuFrame, filled by the kernel for memoryAccess and portString
  Entry = 0x3c0, // EntryState, filled by start()
  OutputRing = 0x400, // OUTPUT_RING bytes
  InputRing = 0x800, // INPUT_RING bytes
  Functions = 0x900, // MAXIMUM_FUNCTIONS records of FunctionMailbox.Size bytes, written by the kernel before start()
  Segments = 0xf00, // TaskSegment.Count records of SegmentFrame.Size bytes; the first SEGMENTS filled with Frame, all for taskSwitch
  Selectors = 0xf90, // u32 of each but GDTR, filled for taskSwitch
  Size = 0x1000,
}

/** Components of extended state above SSE (SDM 1 13.1). */
export const FIRST_COMPONENT: u32 = 2;
export const LAST_COMPONENT: u32 = 7;

export const HIGHEST_BASIC_LEAF: u32 = 0xd;
export const HIGHEST_EXTENDED_LEAF: u32 = 0x80000008;
/** The one leaf that names the hypervisor. */
export const CPUID_HYPERVISOR: u32 = 0x40000000;

/** What the guest's CPUID depends on beside the processor's: instructions that its VMCS lets it execute, and its CR4. */
export const enum CpuidControl { Invpcid = 1 << 0, Rdtscp = 1 << 1, OsXsave = 1 << 2 }

export const OUTPUT_RING: u32 = 1024;
export const INPUT_RING: u32 = 256;

/** One vCPU's record in the mailbox. */
export const enum VcpuMailbox {
  PendingVector = 0x00, // u32, bits 7:0 interrupt to inject, 0 none; bit 31 LOCAL_VECTOR; between: VcpuSignal
  PendingNmi = 0x04, // u32, number of NMIs to inject, at most 2; acknowledgeNmi() takes one
  Deadline = 0x08, // u64 TSC at which timer() must be called; u64.MAX_VALUE none
  Start = 0x10, // u32, bits of VcpuStart that another vCPU asked for; cleared by the kernel
  StartVector = 0x14, // u32 SIPI vector
  ApicBase = 0x18, // u64 IA32_APIC_BASE, which the kernel reads without a call
  ApicMode = 0x20, // u32 VirtualApicMode
  Size = 0x40,
}

/** One assigned PCI function's record in the mailbox. */
export const enum FunctionMailbox {
  Identity = 0x00, // u32 vendor | device << 16
  ClassRevision = 0x04, // u32 as at configuration offset 0x08
  Subsystem = 0x08, // u32 as at configuration offset 0x2c
  /**
   * 6 pairs of u64: guest-physical address or port, then size in bytes | low bits as in hardware (bits 1:0 of an I/O BAR,
   * bits 3:0 of a memory BAR). Size 0: no BAR; the upper half of a 64-bit BAR has size 0.
   */
  Bars = 0x10,
  MsixControl = 0x70, // u32 number of MSI-X entries that work, 0 no MSI-X; the guest sees at most MAXIMUM_MESSAGES
  MsixTable = 0x74, // u32 as in the capability: offset | BIR
  MsixPending = 0x78, // u32 as in the capability
  Msi = 0x7c, // u32 1 the function has MSI, 0 none; offered, with one message, if MsixControl is 0
  Command = 0x80, // u32 written by the monitor: command bits that the guest set (I/O 0, memory 1, bus master 2)
  Reset = 0x84, // u32 counted up by the monitor when the guest asks for a function-level reset; Command is 0 then
  CanReset = 0x88, // u32 1 the kernel can reset the function alone: the guest may ask for it
  Size = 0xc0,
}

/** What the processor can do of a local APIC (SDM 3C chapter 30). */
export const enum ApicFeature {
  VirtualInterrupts = 1 << 0, // virtual-interrupt delivery, with APIC-register virtualisation and virtualised APIC accesses
  X2Apic = 1 << 1, // virtualised x2APIC mode as well
  Posted = 1 << 2, // posted-interrupt processing as well
}

/** Who carries out what the guest does to its local APIC. */
export const enum VirtualApicMode {
  Software = 0, // the monitor: each access exits
  Page = 1, // the processor, on the xAPIC page
  Registers = 2, // the processor, on the x2APIC MSRs
}

/** Beside the pending vector: what the kernel is to fetch before the next entry. Set only once a vCPU was in another mode than Software. */
export const enum VcpuSignal {
  InterruptStatus = 1 << 8, // ApicMode, and what interruptStatus() returns
  TriggerModes = 1 << 9, // TMR in the virtual-APIC page
}

/** Of the pending vector: it is the local APIC's own, so that the kernel may move it from IRR to ISR without a call; else acknowledge() does. */
export const LOCAL_VECTOR: u32 = 1 << 31;

/** Bits: with both, an INIT and then a SIPI came since the kernel looked last. */
export const enum VcpuStart { None = 0, Init = 1, Sipi = 2 }

export const enum PartitionRequest { None = 0, PowerOff = 1, Reset = 2 }

/** Of the virtual disk, which is the image Image.Disk (monitor/imports.ts). */
export const enum DiskFlag { ReadOnly = 1 << 0 }

/** Virtual devices that the policy grants. */
export const enum Device {
  LocalApic = 1 << 0, // xAPIC page and x2APIC MSRs, timer
  IoApic = 1 << 1,
  Pic = 1 << 2,
  Pit = 1 << 3, // with port 0x61
  Uart = 1 << 4, // 16550 at 0x3f8, GSI 4
  Rtc = 1 << 5, // CMOS 0x70-0x71
  PowerManagement = 1 << 6, // ACPI PM1a, PM timer, reset by 0xcf9, 0x64 and 0x92
  Pci = 1 << 7, // 0xcf8 and 0xcfc; the assigned functions and the virtual disk answer
  DebugConsole = 1 << 8, // port 0x402, where firmware writes what it does
  TextScreen = 1 << 9, // the CRT controller of a text screen, whose text is memory that nobody shows
  Test = 1 << 15, // what test kernels for virtual machines expect (devices/test-device.ts)
}

export const enum ImageKind {
  BzImage = 1,
  Pvh = 2,
  Multiboot = 3,
  Multiboot2 = 4,
  Flat = 5,
  Firmware = 6, // a ROM whose last byte is at 4 GiB - 1: SeaBIOS, OVMF
}

/** What came of an access. */
export const enum AccessStatus {
  Done = 0,
  /** No device of this partition answers there: reads give all ones, writes vanish. The kernel audits. */
  OpenBus = 1,
  /** The access is not valid for the device: #GP(0). */
  GeneralProtection = 2,
  /** memoryAccess: the instruction at RIP is not one the decoder knows; taskSwitch: it is refused. Nothing was changed. */
  Undecodable = 3,
  /** memoryAccess, portString: the instruction faults by the guest's own tables (VcpuFrame.CodeMode). Nothing was changed. */
  GuestFault = 4,
  /** memoryAccess: taskSwitch with SEGMENT_ACCESS is to follow. Nothing was changed. */
  NeedsSegments = 5,
}

/** In place of the exit qualification of a task switch: the instruction that memoryAccess answered with NeedsSegments; the address instead of an error code. */
export const SEGMENT_ACCESS: u32 = 1 << 16;

/** In the exit qualification of a task switch, which has no such bit: an interrupt or exception asked for it, no instruction. */
export const TASK_EXTERNAL: u32 = 1 << 17;

/** Status of start(). */
export const enum LoadStatus {
  Done = 0,
  ImageMissing = 1,
  ImageMalformed = 2,
  ImageUnsupported = 3, // no 64-bit boot protocol, no PVH note
  ImageTooLarge = 4, // the image does not fit the partition's memory
  InitialRamDiskTooLarge = 5,
  CommandLineTooLong = 6,
  ImageTooLow = 7, // a part of the image lies where the boot structures are, below 1 MiB
  SegmentsOverlap = 8,
  EntryOutside = 9, // the entry point lies in no part of the image, or where its mode cannot reach
  HeaderMissing = 10, // no multiboot header where it must be
  FlagUnsupported = 11, // multiboot: required flag, bit Mailbox.LoadDetail
  TagUnsupported = 12, // multiboot2: required tag Mailbox.LoadDetail of the header
  RequestUnsupported = 13, // multiboot2: required tag Mailbox.LoadDetail of the information
  ModulesMalformed = 14,
  RomMalformed = 15, // the size of a ROM is no multiple of 64 KiB, or beyond MAXIMUM_ROM
}

/** Registers of the vCPU, as the kernel lends them for one access. Offsets from Mailbox.Frame, all u64. */
export const enum VcpuFrame {
  Registers = 0x00, // 16 in encoding order; RSP included
  Rip = 0x80,
  Rflags = 0x88, // the kernel takes back the arithmetic flags only; all of a new task
  Cr0 = 0x90,
  Cr3 = 0x98,
  Cr4 = 0xa0,
  Efer = 0xa8,
  /**
   * In: bit 0 CS.L, bit 1 CS.D, bits 2-3 CPL. The kernel takes back GPRs, RIP and flags.
   * Out, with AccessStatus.GuestFault: the fault's error code | its vector << 32. After taskSwitch with AccessStatus.Done: the same of
   * a fault in the new task, else less than 1 << 32.
   */
  CodeMode = 0xb0,
  /** Out, with AccessStatus.GuestFault of a #PF: what CR2 must be. */
  LinearAddress = 0xb8,
}

/** ES, CS, SS, DS, FS and GS, in encoding order (SDM 2A table B-8). */
export const SEGMENTS: u32 = 6;

/** What a task switch needs of the others, in the order of their VMCS fields. */
export const enum TaskSegment { Ldt = 6, Task = 7, Gdt = 8, Count = 9 }

/** One segment register as the kernel lends it. In 64-bit code only the bases of FS and GS are filled. */
export const enum SegmentFrame {
  Base = 0x00, // u64
  Limit = 0x08, // u32, in bytes
  Rights = 0x0c, // u32: bits 3:0 type, 14 D/B, 16 unusable, as in a descriptor (SDM 3C table 25-2)
  Size = 0x10,
}

/** State of the first vCPU at entry. Offsets from Mailbox.Entry, all u64. */
export const enum EntryState {
  Mode = 0x00, // EntryMode
  Rip = 0x08,
  Rsp = 0x10,
  Rsi = 0x18, // boot_params for Long64
  Rbx = 0x20, // hvm_start_info or multiboot information for Flat32
  Cr3 = 0x28, // identity tables built by the monitor for Long64
  GdtBase = 0x30, // GDT built by the monitor for Long64: BOOT_GDT_LIMIT, code at selector 0x10, data at 0x18
  Rax = 0x38, // the loader's magic number for Flat32
}

export const BOOT_GDT_LIMIT: u32 = 0x1f;

/** Reset: at the reset vector, as after power-up (SDM 3A table 10-1). */
export const enum EntryMode { Long64 = 1, Flat32 = 2, Real = 3, Reset = 4 }

// Guest-physical layout of the virtual platform.
export const LOW_MEMORY_LIMIT: u64 = 0xC0000000;
export const HIGH_MEMORY_BASE: u64 = 0x100000000;
/** A ROM ends where the low 4 GiB end; its last ROM_SHADOW bytes are copied to the end of the first MiB. */
export const ROM_END: u64 = 0x100000000;
export const ROM_SHADOW: u64 = 0x20000;
/** Sizes of ROMs, in bytes: a multiple of the one, at most the other, which ends above the local APIC's page. */
export const ROM_GRANULE: u64 = 0x10000;
export const MAXIMUM_ROM: u64 = 0x1000000;
/** Firmware gives memory BARs addresses from here on, or from the end of low memory if that is higher, to PCI_WINDOW_END. */
export const FIRMWARE_WINDOW_BASE: u64 = 0x80000000;
/** 0x9f000-0xfffff is reserved in the memory map; the monitor keeps its ACPI tables in the RAM there. */
export const LOW_RESERVED_BASE: u64 = 0x9F000;
export const LOW_RESERVED_END: u64 = 0x100000;
export const RSDP_ADDRESS: u64 = 0xF0000;
export const LOCAL_APIC_BASE: u64 = 0xFEE00000;
/** Page address in IA32_APIC_BASE; a guest may move the page, but only below 4 GiB. */
export const LOCAL_APIC_PAGE: u64 = 0xFFFFF000;
export const IO_APIC_BASE: u64 = 0xFEC00000;
/** Memory BARs of assigned functions, 64-bit ones too, lie from base up to end; those of virtual functions from there up to the I/O APIC. */
export const PCI_WINDOW_BASE: u64 = 0xC0000000;
export const PCI_WINDOW_END: u64 = 0xFEB00000;
/** Of Device.Test. */
export const TEST_MEMORY_BASE: u64 = 0xFF000000;
export const TEST_MEMORY_SIZE: u64 = 0x1000;

// Fixed ports of the virtual platform.
export const PORT_PM1A_EVENT: u16 = 0x600; // PM1a_EVT_BLK, 4 bytes
export const PORT_PM1A_CONTROL: u16 = 0x604; // PM1a_CNT_BLK, 2 bytes
export const PORT_PM_TIMER: u16 = 0x608; // PM_TMR_BLK, 4 bytes, 3.579545 MHz
export const GSI_SCI: u32 = 9;
export const GSI_UART: u32 = 4;
export const GSI_DISK: u32 = 10; // INTA of the virtual disk, by the PIC pair too
/** SLP_TYP of S5 in the DSDT and the PM1a control register. */
export const SLEEP_TYPE_S5: u32 = 5;
