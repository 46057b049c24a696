// What the hand-written floor (boot/) offers to the kernel.

/** Physical addresses of the kernel image's parts, from the linker script. Each is page aligned. */
export const enum ImageSymbol {
  Start = 0,
  TextStart = 1,
  TextEnd = 2,
  RodataStart = 3,
  RodataEnd = 4,
  DataStart = 5, // .data and .bss: written by the floor before the seal only, read-only afterwards
  DataEnd = 6,
  End = 7,
  /** Core 0's static frames: CorePage.Count pages in CorePage order (guards hold unused frames). */
  BootCoreBlock = 8,
  /** Core 0's kernel instance page followed by KERNEL_MEMORY_PAGES of linear memory. */
  BootKernelMemory = 9,
  /** Code of application cores, to be copied to a page below 1 MiB. */
  Trampoline = 10,
  TrampolineEnd = 11,
  /** Names of functions, see symbols.ts. */
  Symbols = 12,
  Idt = 13,
  /** HOST_RIP of processors that need no sequences against speculation at an exit, and of those that do. */
  ExitEntry = 14,
  GuardedExitEntry = 15,
  /** The console's instance page followed by CONSOLE_MEMORY_PAGES of linear memory. */
  BootConsoleMemory = 16,
}

/** Byte offsets in the trampoline. */
export const enum Trampoline {
  Pml4 = 8, // u64, page tables of the core that starts
  Started = 16, // u32, 1 once it has left the trampoline
}

@external("boot", "imageAddress") export declare function imageAddress(symbol: ImageSymbol): u64;
/** Number of this core, 0 for the boot core. */
@external("boot", "coreId") export declare function coreId(): u32;
/** Writes CR3. */
@external("boot", "loadPageTables") export declare function loadPageTables(pml4: u64): void;
/** VMLAUNCH with the registers at Fixed.GuestRegisters; does not return. */
@external("boot", "enterGuest") export declare function enterGuest(): void;
/** STI, HLT, CLI: waits for one interrupt, whose vector is then set at Fixed.PendingVectors. */
@external("boot", "idle") export declare function idle(): void;
/** STI, CLI: takes the interrupts that wait, whose vectors are then set at Fixed.PendingVectors. */
@external("boot", "admitInterrupts") export declare function admitInterrupts(): void;
/** A byte to the debug console and COM1, without the console (boot/messages.c): at once, with a bounded wait. */
@external("boot", "emergencyPut") export declare function emergencyPut(byte: u8): void;
/** Stops this core for good. */
@external("boot", "halt") export declare function halt(): void;
/** Takes the NMI that caused a VM exit through the IDT: the IRET of its handler ends the blocking of NMIs. */
@external("boot", "deliverNmi") export declare function deliverNmi(): void;
