// The boot core's first page tables, from static frames: direct map, image, core block, memories of kernel,
// console and, in the place of a monitor, planner, each with the least rights. kernel/memory/paging.ts builds the final ones for every core.
#include "floor.h"

#define ENTRIES 512
#define PRESENT (1ull << 0)
#define WRITABLE (1ull << 1)
#define LARGE (1ull << 7)
#define UNCACHED (1ull << 3 | 1ull << 4) // PWT, PCD
#define NO_EXECUTE (1ull << 63)
#define FRAME 0x000ffffffffff000ull
#define DATA (WRITABLE | NO_EXECUTE)

#define LARGE_PAGE_SIZE 0x200000ull
#define HUGE_PAGE_SIZE 0x40000000ull
// PML4; direct map; image (link.ld asserts that 8 MiB are enough); kernel, planner and console memory, each below an instance page; core block.
#define TABLES (1 + (1 + 16) + (2 + 4) + 3 * 6 + 3)

/** Levels as the manual draws them: 1 page table, 2 page directory, 3 page-directory-pointer table. */
enum level { PAGE = 1, LARGE_PAGE = 2, HUGE_PAGE = 3, PML4 = 4 };

static u64 tables[TABLES][ENTRIES] __attribute__((aligned(PAGE_SIZE)));
static u32 used_tables = 1;

/** The entry of `level` for a virtual address; makes the tables on the way. */
static u64* entry_of(u64 address, enum level level) {
  u64* table = tables[0];
  for (u32 current = PML4;; current--) {
    u64* entry = &table[(address >> (12 + 9 * (current - 1))) & (ENTRIES - 1)];
    if (current == level) return entry;
    if (*entry == 0) *entry = IMAGE_PHYSICAL(tables[used_tables++]) | PRESENT | WRITABLE;
    table = (u64*)(IMAGE_BASE + (*entry & FRAME));
  }
}

static void map(u64 address, u64 physical, u64 size, u64 rights) {
  for (u64 offset = 0; offset < size; offset += PAGE_SIZE) {
    *entry_of(address + offset, PAGE) = (physical + offset) | PRESENT | rights;
  }
}

/** Behind memory only devices are of use: screens. A processor without 1 GiB pages faults there (planner/memory/boot-direct.ts). */
static void map_direct(void) {
  for (u64 physical = 0; physical < BOOT_DIRECT_END; physical += LARGE_PAGE_SIZE) {
    *entry_of(DIRECT_BASE + physical, LARGE_PAGE) = physical | PRESENT | LARGE | DATA;
  }
  for (u64 physical = BOOT_DIRECT_END; physical < BOOT_DEVICES_END; physical += HUGE_PAGE_SIZE) {
    *entry_of(DIRECT_BASE + physical, HUGE_PAGE) = physical | PRESENT | LARGE | UNCACHED | DATA;
  }
}

static void map_image_part(const u8* start, const u8* end, u64 rights) {
  map((u64)start, IMAGE_PHYSICAL(start), (u64)(end - start), rights);
}

/** The pages between the parts stay unmapped: they guard the stacks. */
static void map_core_pages(u64 first, u64 end) {
  u64 offset = first * PAGE_SIZE;
  map(CORE_BASE + offset, IMAGE_PHYSICAL(core_block) + offset, (end - first) * PAGE_SIZE, DATA);
}

u64 build_boot_tables(void) {
  map_direct();
  map_image_part(image_text_start, image_text_end, 0);
  map_image_part(image_rodata_start, image_rodata_end, NO_EXECUTE);
  map_image_part(image_data_start, image_data_end, DATA);
  map(KERNEL_INSTANCE, IMAGE_PHYSICAL(kernel_memory), sizeof kernel_memory, DATA);
  map(MONITOR_INSTANCE, IMAGE_PHYSICAL(planner_memory), sizeof planner_memory, DATA);
  map(CONSOLE_INSTANCE, IMAGE_PHYSICAL(console_memory), sizeof console_memory, DATA);
  map_core_pages(CORE_PAGE_MAIN_STACK, CORE_PAGE_MAIN_STACK_END);
  map_core_pages(CORE_PAGE_NMI_STACK, CORE_PAGE_NMI_STACK_END);
  map_core_pages(CORE_PAGE_DOUBLE_FAULT_STACK, CORE_PAGE_DOUBLE_FAULT_STACK_END);
  map_core_pages(CORE_PAGE_MACHINE_CHECK_STACK, CORE_PAGE_MACHINE_CHECK_STACK_END);
  map_core_pages(CORE_PAGE_CORE_DATA, CORE_PAGE_CORE_DATA + 1);
  return IMAGE_PHYSICAL(tables[0]);
}
