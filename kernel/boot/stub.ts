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
  /** The page below 1 MiB that application cores start in; identity mapped while they start. */
  Trampoline = 10,
}

@external("boot", "imageAddress") export declare function imageAddress(symbol: ImageSymbol): u64;
/** Number of this core, 0 for the boot core. */
@external("boot", "coreId") export declare function coreId(): u32;
/** Writes CR3. */
@external("boot", "loadPageTables") export declare function loadPageTables(pml4: u64): void;
/** Readies the trampoline for one application core, which will run on these tables; clears the started flag. */
@external("boot", "prepareApplicationCore") export declare function prepareApplicationCore(pml4: u64): void;
/** 1 once the application core that was prepared last has left the trampoline. */
@external("boot", "applicationCoreStarted") export declare function applicationCoreStarted(): u32;
/** HOST_RIP: the VM exit stub. */
@external("boot", "exitEntry") export declare function exitEntry(): u64;
/** HOST_RSP: top of this core's main stack. */
@external("boot", "hostStack") export declare function hostStack(): u64;
@external("boot", "idtBase") export declare function idtBase(): u64;
/** VMLAUNCH with the registers at Fixed.GuestRegisters; does not return. */
@external("boot", "enterGuest") export declare function enterGuest(): void;
/** STI, HLT, CLI: waits for one interrupt, whose vector is then set at Fixed.PendingVectors. */
@external("boot", "idle") export declare function idle(): void;
/** STI, CLI: takes the interrupts that wait, whose vectors are then set at Fixed.PendingVectors. */
@external("boot", "admitInterrupts") export declare function admitInterrupts(): void;
/** Stops this core for good. */
@external("boot", "halt") export declare function halt(): void;
/** Writes the name of the wasm function that holds `address` to linear memory; returns its length, 0 if unknown. */
@external("boot", "symbolName") export declare function symbolName(address: u64, out: usize, capacity: u32): u32;
/** Takes the NMI that caused a VM exit through the IDT: the IRET of its handler ends the blocking of NMIs. */
@external("boot", "deliverNmi") export declare function deliverNmi(): void;
