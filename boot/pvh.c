// QEMU's -kernel: the start information of PVH (Xen, arch-x86/hvm/start_info.h) as the multiboot2 information that the rest
// reads. QEMU hands over one file, its -initrd: a container of modules (scripts/emulator/ram-disk.ts).
#include <string.h>

#include "floor.h"

#define FIRST_VERSION_WITH_MEMORY_MAP 1
#define CONTAINER_MAGIC 0x53444f4d44484b42 // "BKHDMODS"
#define REACH (1ull << 30) // of the entry tables

// Multiboot2 3.6: tags of the boot information.
#define TAG_END 0
#define TAG_COMMAND_LINE 1
#define TAG_MODULE 3
#define TAG_MEMORY_MAP 6
#define TAG_RSDP_OLD 14
#define TAG_RSDP_NEW 15
#define MEMORY_ENTRY_SIZE 24
#define RSDP_OLD_SIZE 20
#define RSDP_NEW_SIZE 36
#define RSDP_REVISION 15

#define INFORMATION_SIZE 0x4000
#define HEADER_SIZE 8

struct start_info {
  u32 magic, version, flags, module_count;
  u64 modules, command_line, rsdp, memory_map;
  u32 memory_entries, reserved;
};

struct module_entry {
  u64 address, size, command_line, reserved;
};

struct container {
  u64 magic, count;
  struct {
    u64 offset, size;
  } modules[];
};

static u8 information[INFORMATION_SIZE] __attribute__((aligned(8)));
static u32 used;

static _Noreturn void refuse(const char* what) {
  console_text("[bulkhead] fatal: PVH start information: ");
  console_text(what);
  console_text("\n");
  stop();
}

/** What the loader left at a physical address; the entry tables map the first GiB one to one. */
static const void* at(u64 address, u64 size) {
  if (address == 0 || address >= REACH || size > REACH - address) refuse("an address is missing or beyond 1 GiB");
  return (const void*)address;
}

/** Appends a tag and returns the place of its content. */
static u8* add_tag(u32 type, u64 size) {
  u64 end = used + ((HEADER_SIZE + size + 7) & ~7ull);
  if (end > INFORMATION_SIZE) refuse("too long");
  u32* tag = (u32*)(information + used);
  tag[0] = type;
  tag[1] = HEADER_SIZE + (u32)size;
  used = (u32)end;
  return (u8*)(tag + 2);
}

static void add_command_line(u64 address) {
  u64 length = 0;
  const char* text = at(address, INFORMATION_SIZE);
  while (length < INFORMATION_SIZE && text[length] != 0) length++;
  memcpy(add_tag(TAG_COMMAND_LINE, length + 1), text, length); // the information is zero, and so ends the text
}

static void add_module(u64 address, u64 size) {
  at(address, size);
  u32* content = (u32*)add_tag(TAG_MODULE, HEADER_SIZE + 1);
  content[0] = (u32)address;
  content[1] = (u32)(address + size);
}

static void add_container(u64 address, u64 size) {
  const struct container* container = at(address, size);
  if (size < sizeof *container || container->magic != CONTAINER_MAGIC) refuse("-initrd is no container of modules");
  if (container->count > (size - sizeof *container) / sizeof container->modules[0]) refuse("the container ends early");
  for (u64 i = 0; i < container->count; i++) {
    u64 offset = container->modules[i].offset, length = container->modules[i].size;
    if (offset > size || length > size - offset) refuse("a module leaves its container");
    add_module(address + offset, length);
  }
}

static void add_memory_map(const struct start_info* start) {
  u64 size = (u64)start->memory_entries * MEMORY_ENTRY_SIZE; // the entries have the form of multiboot2's
  u8* content = add_tag(TAG_MEMORY_MAP, HEADER_SIZE + size);
  *(u32*)content = MEMORY_ENTRY_SIZE;
  memcpy(content + HEADER_SIZE, at(start->memory_map, size), size);
}

static void add_rsdp(u64 address) {
  const u8* rsdp = at(address, RSDP_NEW_SIZE);
  u32 old = rsdp[RSDP_REVISION] < 2;
  u32 size = old ? RSDP_OLD_SIZE : RSDP_NEW_SIZE;
  memcpy(add_tag(old ? TAG_RSDP_OLD : TAG_RSDP_NEW, size), rsdp, size);
}

u64 boot_information(u64 loader_information) {
  const struct start_info* start = (const struct start_info*)loader_information;
  if (start->magic != PVH_START_MAGIC) return loader_information; // multiboot2, whose first word is a size
  if (start->version < FIRST_VERSION_WITH_MEMORY_MAP) refuse("version 0, without a memory map");
  used = HEADER_SIZE;
  if (start->command_line != 0) add_command_line(start->command_line);
  if (start->module_count != 0) {
    const struct module_entry* first = at(start->modules, sizeof *first);
    add_container(first->address, first->size);
  }
  add_memory_map(start);
  if (start->rsdp != 0) add_rsdp(start->rsdp);
  add_tag(TAG_END, 0);
  *(u32*)information = used;
  return IMAGE_PHYSICAL(information);
}
