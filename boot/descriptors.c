// GDT, TSS and IDT. GDT and TSS are a core's own, in its core data page; the IDT is shared and constant.
#include <string.h>

#include "floor.h"

#define CODE_SEGMENT 0x00af9b000000ffffull // 64-bit code, ring 0
#define DATA_SEGMENT 0x00cf93000000ffffull
#define TSS_AVAILABLE 0x89ull
#define INTERRUPT_GATE 0x8e00ull
#define STUB_SIZE 16

/** SDM 3A 8.7, 64-bit TSS: only the interrupt stack table is used. */
struct __attribute__((packed)) tss {
  u8 reserved[0x24];
  u64 stacks[7];
  u8 reserved_end[10];
  u16 io_map_base;
};

struct core_tables {
  u64 gdt[CORE_DATA_TSS / 8];
  struct tss tss;
};

struct __attribute__((packed)) table_register {
  u16 limit;
  u64 base;
};

#define TSS_BASE (CORE_DATA_BASE + CORE_DATA_TSS)
#define TSS_LIMIT (sizeof(struct tss) - 1)
#define CORE_PAGE(page) (CORE_BASE + (u64)(page)*PAGE_SIZE)

static const struct core_tables core_tables = {
  .gdt[SELECTOR_CODE / 8] = CODE_SEGMENT,
  .gdt[SELECTOR_DATA / 8] = DATA_SEGMENT,
  .gdt[SELECTOR_TSS / 8] = TSS_LIMIT | (TSS_BASE & 0xffffff) << 16 | TSS_AVAILABLE << 40 | ((TSS_BASE >> 24) & 0xff) << 56,
  .gdt[SELECTOR_TSS / 8 + 1] = TSS_BASE >> 32,
  .tss.stacks = {CORE_PAGE(CORE_PAGE_NMI_STACK_END), CORE_PAGE(CORE_PAGE_DOUBLE_FAULT_STACK_END), CORE_PAGE(CORE_PAGE_MACHINE_CHECK_STACK_END)},
  .tss.io_map_base = sizeof(struct tss),
};

extern u8 vector_stubs[];
u64 idt[256 * 2] __attribute__((aligned(16)));

/** Numbers in the interrupt stack table, from 1 on; 0 is the current stack. */
static const u8 stacks[256] = {[VECTOR_NMI] = 1, [VECTOR_DOUBLE_FAULT] = 2, [VECTOR_MACHINE_CHECK] = 3};

void build_idt(void) {
  for (u32 vector = 0; vector < 256; vector++) {
    u64 address = (u64)vector_stubs + vector * STUB_SIZE;
    u64 attributes = (stacks[vector] | INTERRUPT_GATE) << 32;
    idt[2 * vector] = (address & 0xffff) | (u64)SELECTOR_CODE << 16 | attributes | ((address >> 16) & 0xffff) << 48;
    idt[2 * vector + 1] = address >> 32;
  }
}

/** Fills and loads this core's descriptor tables. GS base is 0 afterwards. */
void load_descriptors(void) {
  memcpy((void*)CORE_DATA_BASE, &core_tables, sizeof core_tables);
  struct table_register gdt_register = {SELECTOR_TSS + 16 - 1, CORE_DATA_BASE};
  struct table_register idt_register = {sizeof idt - 1, (u64)idt};
  __asm__ volatile(
      "lgdt %0\n"
      "pushq %2\n"
      "leaq 1f(%%rip), %%rax\n"
      "pushq %%rax\n"
      "lretq\n"
      "1:\n"
      "movl %3, %%eax\n"
      "movl %%eax, %%ds\n"
      "movl %%eax, %%es\n"
      "movl %%eax, %%ss\n"
      "xorl %%eax, %%eax\n"
      "movl %%eax, %%fs\n"
      "movl %%eax, %%gs\n"
      "movl %4, %%eax\n"
      "ltr %%ax\n"
      "lidt %1\n"
      :
      : "m"(gdt_register), "m"(idt_register), "i"(SELECTOR_CODE), "i"(SELECTOR_DATA), "i"(SELECTOR_TSS)
      : "rax", "memory");
}
