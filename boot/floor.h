// What the C files of the floor share.
#ifndef BULKHEAD_FLOOR_H
#define BULKHEAD_FLOOR_H

#include "layout.h"
#include "types.h"

/** Fields of this core's data page, at the same virtual address on every core: CoreData in kernel/memory/layout.ts. */
#define CORE_DATA_U32(field) (*(volatile u32*)(CORE_DATA_BASE + CORE_DATA_##field))
#define CORE_DATA_U64(field) (*(volatile u64*)(CORE_DATA_BASE + CORE_DATA_##field))

/** Physical address of something in the image. */
#define IMAGE_PHYSICAL(symbol) ((u64)(symbol)-IMAGE_BASE)
/** Pointer to physical memory, through the direct map. */
#define DIRECT(address) ((void*)(DIRECT_BASE + (u64)(address)))

// Linker script.
extern u8 image_start[], image_end[];
extern u8 image_text_start[], image_text_end[];
extern u8 image_rodata_start[], image_rodata_end[];
extern u8 image_data_start[], image_data_end[];
extern const u8 symbols_start[];

// start.c: core 0's static frames.
extern u8 core_block[CORE_PAGE_COUNT * PAGE_SIZE];
extern u8 kernel_memory[(1 + KERNEL_MEMORY_PAGES) * PAGE_SIZE], planner_memory[sizeof kernel_memory];
extern u8 console_memory[(1 + CONSOLE_MEMORY_PAGES) * PAGE_SIZE];

// descriptors.c
extern u64 idt[256 * 2];
void build_idt(void);
void load_descriptors(void);

// page-tables.c: builds the boot core's tables and returns the physical address of the PML4.
u64 build_boot_tables(void);

// font.S
extern const u8 framebuffer_font[];

// trampoline.S
extern const u8 trampoline_start[], trampoline_end[];

// instances.c
void instantiate_console(void);
void instantiate_planner(void);
void instantiate_kernel(void);

// messages.c: for messages before the console, or instead of it.
void message_put(u8 character);
void message_text(const char* text);
void message_hex(u64 value);
_Noreturn void stop(void);

// vm-exit.S
extern u8 vm_exit[], vm_exit_guarded[];
_Noreturn void vm_launch(void);

static inline void out8(u16 port, u8 value) {
  __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static inline u8 in8(u16 port) {
  u8 value;
  __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
  return value;
}

static inline void set_gs_base(u64 base) {
  __asm__ volatile("wrgsbaseq %0" : : "r"(base) : "memory");
}

#endif
