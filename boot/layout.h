// Numbers shared with the kernel: the same as kernel/memory/layout.ts, kernel/boot/trap-frame.ts,
// kernel/partition/monitor.ts and monitor/interface.ts. A unit test asserts that they agree.
// Included by C, assembly and the linker script, hence plain numbers only.
#ifndef BULKHEAD_LAYOUT_H
#define BULKHEAD_LAYOUT_H

#define PAGE_SIZE 4096

// Virtual address space.
#define IMAGE_BASE 0xFFFFFFFF80000000
#define DIRECT_BASE 0xFFFF800000000000
#define KERNEL_MEMORY 0xFFFF900000000000
#define MONITOR_MEMORY 0xFFFFA00000000000
#define CORE_BASE 0xFFFFB00000000000

// Sizes of the linear memories in pages, without the instance page below each.
#define KERNEL_MEMORY_PAGES 256
#define MONITOR_MEMORY_PAGES 64
#define KERNEL_INSTANCE (KERNEL_MEMORY - PAGE_SIZE)
#define MONITOR_INSTANCE (MONITOR_MEMORY - PAGE_SIZE)

// Physical address that the image is linked and loaded at.
#define IMAGE_START 0x200000

// Pages of the core block (CorePage).
#define CORE_PAGE_MAIN_STACK 1
#define CORE_PAGE_MAIN_STACK_END 9
#define CORE_PAGE_NMI_STACK 10
#define CORE_PAGE_NMI_STACK_END 12
#define CORE_PAGE_DOUBLE_FAULT_STACK 13
#define CORE_PAGE_DOUBLE_FAULT_STACK_END 15
#define CORE_PAGE_MACHINE_CHECK_STACK 16
#define CORE_PAGE_MACHINE_CHECK_STACK_END 18
#define CORE_PAGE_CORE_DATA 19
#define CORE_PAGE_COUNT 20

#define CORE_MAIN_STACK_TOP (CORE_BASE + CORE_PAGE_MAIN_STACK_END * PAGE_SIZE)
#define CORE_DATA_BASE (CORE_BASE + CORE_PAGE_CORE_DATA * PAGE_SIZE)

// Byte offsets in the core data page (CoreData).
#define CORE_DATA_GDT 0x000
#define CORE_DATA_TSS 0x080
#define CORE_DATA_CORE_ID 0x100
#define CORE_DATA_MONITOR_FAULTED 0x104
#define CORE_DATA_MONITOR_ACTIVE 0x108
#define CORE_DATA_MONITOR_STACK 0x110
#define CORE_DATA_MONITOR_FAULT 0x118
#define CORE_DATA_TRAP_STATE 0x120

// Values of CoreData.TrapState.
#define TRAP_STATE_NO_KERNEL 0
#define TRAP_STATE_READY 1
#define TRAP_STATE_HANDLING 2

// Segment selectors.
#define SELECTOR_CODE 0x08
#define SELECTOR_DATA 0x10
#define SELECTOR_TSS 0x18

// Fixed places in the kernel's linear memory (Fixed).
#define FIXED_GUEST_REGISTERS 0x400
#define FIXED_PENDING_VECTORS 0x500
#define FIXED_NMI_COUNT 0x520
#define FIXED_MITIGATIONS 0x524
#define FIXED_SPEC_CTRL 0x528
#define FIXED_TRAP_FRAME 0x600

// Sequences against speculation (Mitigation, kernel/cpu/mitigation-decision.ts), at Fixed.Mitigations.
#define MITIGATION_IBRS 0x1
#define MITIGATION_RSB_STUFFING 0x2
#define MITIGATION_RSB_BARRIER 0x4
#define MITIGATION_VERW 0x8
#define MITIGATION_L1D_FLUSH 0x10
#define MITIGATIONS_ON_EXIT 0x7
#define MITIGATIONS_ON_ENTRY 0x19
#define MSR_SPEC_CTRL 0x48
#define MSR_FLUSH_CMD 0x10b

// What follows an exit (NextEntry, kernel/partition/entry.ts).
#define NEXT_ENTRY_RESUME 0
#define NEXT_ENTRY_LAUNCH 1
#define NEXT_ENTRY_GUARDED_RESUME 2

// Grants of a monitor (Grant), an array of u64 in the monitor's instance page.
#define MONITOR_GRANTS_OFFSET 0x800
#define GRANT_MEMORY_BASE 0
#define GRANT_LOW_MEMORY 1
#define GRANT_HIGH_MEMORY 2
#define GRANT_IMAGES 3
#define GRANT_ROM_BASE 11
#define GRANT_ROM_SIZE 12
#define GRANT_COUNT 13
#define IMAGE_COUNT 4
#define HIGH_MEMORY_BASE 0x100000000

// Exception vectors with a stack of their own.
#define VECTOR_NMI 2
#define VECTOR_DOUBLE_FAULT 8
#define VECTOR_GENERAL_PROTECTION 13
#define VECTOR_MACHINE_CHECK 18

// COM1 and the emulators' debug console, for messages before or instead of the kernel's.
#define PORT_DEBUG_CONSOLE 0xe9
#define PORT_COM1 0x3f8

// Control register and EFER bits, SDM 3A 2.5 and 2.2.1.
#define CR0_PE (1 << 0)
#define CR0_MP (1 << 1)
#define CR0_NE (1 << 5)
#define CR0_WP (1 << 16)
#define CR0_PG (1 << 31)
#define CR4_PAE (1 << 5)
#define CR4_MCE (1 << 6)
#define CR4_FSGSBASE (1 << 16)
#define CR4_OSXSAVE (1 << 18)
#define CR4_SMEP (1 << 20)
#define CR4_SMAP (1 << 21)
#define MSR_EFER 0xc0000080
#define EFER_LME (1 << 8)
#define EFER_NXE (1 << 11)

#define MULTIBOOT2_BOOT_MAGIC 0x36d76289
#define PVH_START_MAGIC 0x336ec578 // first word of PVH's start information

#endif
