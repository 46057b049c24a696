// The boot core's first page tables, from static frames: direct map, image, core block and kernel memory,
// each with the least rights. kernel/memory/paging.ts builds the final ones for every core.
#include "floor.h"

#define ENTRIES 512
#define PRESENT (1ull << 0)
#define WRITABLE (1ull << 1)
#define LARGE (1ull << 7)
#define NO_EXECUTE (1ull << 63)
#define TABLE (PRESENT | WRITABLE)

#define LARGE_PAGE_SIZE 0x200000ull
#define DIRECT_GIB 16
#define IMAGE_TABLES 4

typedef u64 page_table[ENTRIES] __attribute__((aligned(PAGE_SIZE)));

static page_table pml4;
static page_table direct_pdpt, direct_directories[DIRECT_GIB];
static page_table image_pdpt, image_directory, image_tables[IMAGE_TABLES];
// The instance page lies one page below KERNEL_MEMORY: in the tables of the 512 GiB below.
static page_table instance_pdpt, instance_directory, instance_table;
static page_table memory_pdpt, memory_directory, memory_table;
static page_table core_pdpt, core_directory, core_table;

static u32 index_of(u64 address, u32 level) {
  return (address >> (12 + 9 * (level - 1))) & (ENTRIES - 1);
}

static void link_table(u64* table, u64 address, u32 level, u64* next) {
  table[index_of(address, level)] = IMAGE_PHYSICAL(next) | TABLE;
}

/** Links PML4 → PDPT → directory → table on the way to `address`. */
static void link_path(u64 address, u64* pdpt, u64* directory, u64* table) {
  link_table(pml4, address, 4, pdpt);
  link_table(pdpt, address, 3, directory);
  link_table(directory, address, 2, table);
}

static void map_pages(u64* table, u64 address, u64 physical, u32 pages, u64 rights) {
  for (u32 page = 0; page < pages; page++) {
    table[index_of(address, 1) + page] = (physical + page * PAGE_SIZE) | PRESENT | rights;
  }
}

static void map_direct(void) {
  link_table(pml4, DIRECT_BASE, 4, direct_pdpt);
  for (u64 gib = 0; gib < DIRECT_GIB; gib++) {
    direct_pdpt[gib] = IMAGE_PHYSICAL(direct_directories[gib]) | TABLE;
    for (u64 entry = 0; entry < ENTRIES; entry++) {
      direct_directories[gib][entry] = (gib * ENTRIES + entry) * LARGE_PAGE_SIZE | LARGE | PRESENT | WRITABLE | NO_EXECUTE;
    }
  }
}

/** Maps one part of the image: its tables are adjacent, so that one index runs through all of them. */
static void map_image_part(const u8* start, const u8* end, u64 rights) {
  u64 first = ((u64)start - IMAGE_BASE - IMAGE_START) / PAGE_SIZE;
  u64 pages = (u64)(end - start) / PAGE_SIZE;
  u64* entries = &image_tables[0][0];
  for (u64 page = 0; page < pages; page++) {
    entries[first + page] = (IMAGE_PHYSICAL(start) + page * PAGE_SIZE) | PRESENT | rights;
  }
}

static void map_image(void) {
  link_table(pml4, IMAGE_BASE, 4, image_pdpt);
  link_table(image_pdpt, IMAGE_BASE, 3, image_directory);
  for (u32 table = 0; table < IMAGE_TABLES; table++) {
    link_table(image_directory, IMAGE_BASE + IMAGE_START + table * LARGE_PAGE_SIZE, 2, image_tables[table]);
  }
  map_image_part(image_text_start, image_text_end, 0);
  map_image_part(image_rodata_start, image_rodata_end, NO_EXECUTE);
  map_image_part(image_data_start, image_data_end, WRITABLE | NO_EXECUTE);
}

static void map_kernel_memory(void) {
  u64 physical = IMAGE_PHYSICAL(kernel_memory);
  link_path(KERNEL_INSTANCE, instance_pdpt, instance_directory, instance_table);
  map_pages(instance_table, KERNEL_INSTANCE, physical, 1, WRITABLE | NO_EXECUTE);
  link_path(KERNEL_MEMORY, memory_pdpt, memory_directory, memory_table);
  map_pages(memory_table, KERNEL_MEMORY, physical + PAGE_SIZE, KERNEL_MEMORY_PAGES, WRITABLE | NO_EXECUTE);
}

static void map_core_pages(u32 first, u32 end) {
  u64 offset = (u64)first * PAGE_SIZE;
  map_pages(core_table, CORE_BASE + offset, IMAGE_PHYSICAL(core_block) + offset, end - first, WRITABLE | NO_EXECUTE);
}

/** The pages between the parts stay unmapped: they guard the stacks. */
static void map_core_block(void) {
  link_path(CORE_BASE, core_pdpt, core_directory, core_table);
  map_core_pages(CORE_PAGE_MAIN_STACK, CORE_PAGE_MAIN_STACK_END);
  map_core_pages(CORE_PAGE_NMI_STACK, CORE_PAGE_NMI_STACK_END);
  map_core_pages(CORE_PAGE_DOUBLE_FAULT_STACK, CORE_PAGE_DOUBLE_FAULT_STACK_END);
  map_core_pages(CORE_PAGE_MACHINE_CHECK_STACK, CORE_PAGE_MACHINE_CHECK_STACK_END);
  map_core_pages(CORE_PAGE_CORE_DATA, CORE_PAGE_CORE_DATA + 1);
}

u64 build_boot_tables(void) {
  map_direct();
  map_image();
  map_kernel_memory();
  map_core_block();
  return IMAGE_PHYSICAL(pml4);
}
