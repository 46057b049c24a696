// Where application cores start: one page below 1 MiB, chosen from the loader's memory map.
#include <string.h>

#include "floor.h"

#define LOWEST_PAGE 0x8000 // below it lie the vectors and data of the BIOS, and loaders put things there
#define HIGHEST_PAGE 0x9f000

// Multiboot2 3.6: tags of the boot information.
#define TAG_END 0
#define TAG_MEMORY_MAP 6
#define MEMORY_AVAILABLE 1

struct tag {
  u32 type;
  u32 size;
};

struct information {
  u32 total_size;
  u32 reserved;
  struct tag first;
};

struct memory_entry {
  u64 base;
  u64 length;
  u32 type;
  u32 reserved;
};

struct memory_map {
  struct tag tag;
  u32 entry_size;
  u32 entry_version;
};

extern u8 trampoline_start[], trampoline_end[], trampoline_gdt[], trampoline_gdt_register[], trampoline_long_mode[];
extern u8 trampoline_far_pointer[], trampoline_pml4[], trampoline_started[];

/** Physical address, 0 if the memory below 1 MiB has no free page. */
u64 trampoline_page;

static const struct memory_map* find_memory_map(const struct information* information) {
  const u8* end = (const u8*)information + information->total_size;
  const struct tag* tag = &information->first;
  while ((const u8*)(tag + 1) <= end && tag->type != TAG_END && tag->size >= sizeof *tag) {
    if (tag->type == TAG_MEMORY_MAP) return (const struct memory_map*)tag;
    tag = (const struct tag*)((const u8*)tag + ((tag->size + 7) & ~7u));
  }
  return 0;
}

static int overlaps(u64 page, u64 base, u64 length) {
  return page < base + length && base < page + PAGE_SIZE;
}

/** In available memory, and in no entry of another type. */
static int is_available(const struct memory_map* map, u64 page) {
  const u8* end = (const u8*)map + map->tag.size;
  int found = 0;
  for (const u8* at = (const u8*)(map + 1); at + sizeof(struct memory_entry) <= end; at += map->entry_size) {
    const struct memory_entry* entry = (const struct memory_entry*)at;
    if (!overlaps(page, entry->base, entry->length)) continue;
    if (entry->type != MEMORY_AVAILABLE) return 0;
    if (entry->base <= page && page + PAGE_SIZE <= entry->base + entry->length) found = 1;
  }
  return found;
}

static u64 choose_page(const struct information* information) {
  const struct memory_map* map = find_memory_map(information);
  if (map == 0 || map->entry_size < sizeof(struct memory_entry)) return 0;
  for (u64 page = LOWEST_PAGE; page < HIGHEST_PAGE; page += PAGE_SIZE) {
    if (is_available(map, page) && !overlaps(page, (u64)information, information->total_size)) return page;
  }
  return 0;
}

/** Address in the trampoline page of one of the trampoline's symbols. */
static u64 place_of(const u8* symbol) {
  return trampoline_page + (u64)(symbol - trampoline_start);
}

/** On the entry tables, which map low memory one to one. */
void install_trampoline(u64 multiboot_info) {
  trampoline_page = choose_page((const struct information*)multiboot_info);
  if (trampoline_page == 0) return;
  memcpy((void*)trampoline_page, trampoline_start, (size_t)(trampoline_end - trampoline_start));
  *(u32*)(place_of(trampoline_gdt_register) + 2) = (u32)place_of(trampoline_gdt);
  *(u32*)place_of(trampoline_far_pointer) = (u32)place_of(trampoline_long_mode);
}

/** Through the direct map of the calling core, which must hold the trampoline page. */
void prepare_application_core(u64 pml4) {
  *(volatile u64*)DIRECT(place_of(trampoline_pml4)) = pml4;
  *(volatile u32*)DIRECT(place_of(trampoline_started)) = 0;
}

u32 application_core_started(void) {
  return *(volatile u32*)DIRECT(place_of(trampoline_started));
}
