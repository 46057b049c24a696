// Names of functions by address, from the table that the build links in last (README.md, "Symbol table").
#include "floor.h"

struct symbol {
  u32 address; // low 32 bits of the virtual address; the image lies in the last 2 GiB
  u32 name; // offset from the start of the names
};

struct symbol_table {
  u32 count;
  u32 names; // offset of the names from the start of the table
  struct symbol symbols[]; // by rising address; the last one marks the end of the text and has no name
};

extern const u8 symbols_start[];

static const struct symbol* find(const struct symbol_table* table, u32 address) {
  u32 low = 0, high = table->count;
  while (high - low > 1) {
    u32 middle = low + (high - low) / 2;
    if (table->symbols[middle].address <= address) low = middle;
    else high = middle;
  }
  return &table->symbols[low];
}

static int in_text(u64 address) {
  return address >= (u64)image_text_start && address < (u64)image_text_end;
}

/** Writes the name of the function that holds `address` to the kernel's linear memory; returns its length, 0 if unknown. */
u32 symbol_name(u64 address, u32 out, u32 capacity) {
  const struct symbol_table* table = (const struct symbol_table*)symbols_start;
  if (table->count == 0 || !in_text(address)) return 0;
  if ((u64)out + capacity > KERNEL_MEMORY_PAGES * PAGE_SIZE) return 0;
  const struct symbol* symbol = find(table, (u32)address);
  if (symbol->address > (u32)address) return 0;
  const u8* name = symbols_start + table->names + symbol->name;
  u8* target = (u8*)(KERNEL_MEMORY + out);
  u32 length = 0;
  while (length < capacity && name[length] != 0) {
    target[length] = name[length];
    length++;
  }
  return length;
}
