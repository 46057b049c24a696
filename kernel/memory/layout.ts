// Virtual address space of every core, the same in each core's own page tables. The build makes the numbers that boot/
// needs into build/gen/kernel-numbers.h (scripts/build/kernel-numbers.ts).

/** PA + IMAGE_BASE is the virtual address of the kernel image (linked at PA 0x200000). */
export const IMAGE_BASE: u64 = 0xFFFFFFFF80000000;
/** Physical address that the image is linked and loaded at. */
export const IMAGE_START: u64 = 0x200000;
/** Direct map of physical memory: `phys.load64(pa)` reads DIRECT_BASE + pa. */
export const DIRECT_BASE: u64 = 0xFFFF800000000000;
/** Linear memory of this core's kernel instance; its instance page lies one page below; 8 GiB of guard follow. */
export const KERNEL_MEMORY: u64 = 0xFFFF900000000000;
/** Linear memory of this core's monitor instance; its instance page lies one page below; 8 GiB of guard follow. */
export const MONITOR_MEMORY: u64 = 0xFFFFA00000000000;
/** Linear memory of the console on core 0; its instance page lies one page below; 8 GiB of guard follow. */
export const CONSOLE_MEMORY: u64 = 0xFFFFA80000000000;
/** This core's stacks and descriptor tables, see CorePage. */
export const CORE_BASE: u64 = 0xFFFFB00000000000;

export const PAGE_SIZE: u64 = 4096;

/** Core 0 reaches this much of physical memory until the seal (boot/page-tables.c). */
export const BOOT_DIRECT_END: u64 = 16 << 30;
/** From there to here it reaches devices, uncached, where the processor has 1 GiB pages: one page-directory-pointer table. */
export const BOOT_DEVICES_END: u64 = 512 << 30;
/** A core's own direct map can hold addresses below this, where KERNEL_MEMORY's region begins. */
export const DIRECT_END: u64 = KERNEL_MEMORY - DIRECT_BASE;

// Pages of the core block at CORE_BASE. Pages not named here are unmapped guards.
//
//   0 guard | 1-8 main stack | 9 guard | 10-11 NMI stack | 12 guard | 13-14 #DF stack | 15 guard
//   | 16-17 #MC stack | 18 guard | 19 core data (GDT, TSS, core number, saved state of a monitor call)
export const enum CorePage {
  MainStack = 1,
  MainStackEnd = 9,
  NmiStack = 10,
  NmiStackEnd = 12,
  DoubleFaultStack = 13,
  DoubleFaultStackEnd = 15,
  MachineCheckStack = 16,
  MachineCheckStackEnd = 18,
  CoreData = 19,
  Count = 20,
}

/** Byte offsets in the core data page. */
export const enum CoreData {
  Gdt = 0x000,
  Tss = 0x080,
  CoreId = 0x100, // u32
  MonitorFaulted = 0x104, // u32, set by the trap handler when a monitor call was cut short
  MonitorActive = 0x108, // u32, Sandbox that is called
  ConsoleFaulted = 0x10c, // u32, 1 once a call of the console was cut short
  MonitorStack = 0x110, // u64, RSP to unwind to
  MonitorFault = 0x118, // u64, RIP at which the monitor faulted
  TrapState = 0x120, // u32
}

/** What a fault ends instead of the core. */
export const enum Sandbox {
  None = 0,
  Monitor = 1,
  Console = 2,
}

/** Values of CoreData.TrapState. */
export const enum TrapState {
  NoKernel = 0,
  Ready = 1,
  Handling = 2, // a second fault stops the core at once
}

/** Segment selectors of the core's GDT. */
export const enum Selector {
  Code = 0x08,
  Data = 0x10,
  Tss = 0x18,
}

/** Pages of linear memory (4 KiB each), excluding the instance page. asconfig.json gives the same sizes. */
export const KERNEL_MEMORY_PAGES: u32 = 256; // 1 MiB = 16 wasm pages
export const MONITOR_MEMORY_PAGES: u32 = 64; // 256 KiB = 4 wasm pages
export const CONSOLE_MEMORY_PAGES: u32 = 16; // 64 KiB = 1 wasm page

/** Fixed places in the first 4 KiB of the kernel's linear memory, which the boot stub writes. */
export const enum Fixed {
  GuestRegisters = 0x400, // 16 x u64 in encoding order: RAX RCX RDX RBX RSP(unused) RBP RSI RDI R8..R15
  PendingVectors = 0x500, // 256-bit map of vectors taken while the core idled in root mode
  NmiCount = 0x520, // u32, NMIs taken in root mode
  Mitigations = 0x524, // u32, what exits and entries do against speculation (kernel/cpu/mitigation-decision.ts)
  SpecCtrl = 0x528, // u32, IA32_SPEC_CTRL while the kernel runs
  Attention = 0x52c, // u32, what is to be done before the next VM entry (kernel/partition/attention.ts)
  Plan = 0x540, // u64, PA of the plan (kernel/partition/plan.ts); core 0 writes it before the core starts
  TrapFrame = 0x600, // see TrapFrame in kernel/boot/trap-frame.ts
}
