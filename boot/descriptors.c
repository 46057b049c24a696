// GDT, TSS and IDT. GDT and TSS are a core's own, in its core data page; the IDT is shared and constant.
#include "floor.h"

#define CODE_SEGMENT 0x00af9b000000ffffull // 64-bit code, ring 0
#define DATA_SEGMENT 0x00cf93000000ffffull
#define TSS_AVAILABLE 0x89ull
#define INTERRUPT_GATE 0x8e00ull
#define STUB_SIZE 16

// SDM 3A 8.7: byte offsets in the 64-bit TSS.
#define TSS_STACK_TABLE 0x24
#define TSS_IO_MAP_BASE 0x66
#define TSS_SIZE 0x68

/** Entries of the interrupt stack table; 0 means the current stack. */
enum stack { STACK_CURRENT, STACK_NMI, STACK_DOUBLE_FAULT, STACK_MACHINE_CHECK };

struct __attribute__((packed)) table_register {
  u16 limit;
  u64 base;
};

extern u8 vector_stubs[];
u64 idt[256 * 2] __attribute__((aligned(16)));

static enum stack stack_of(u32 vector) {
  switch (vector) {
    case VECTOR_NMI: return STACK_NMI;
    case VECTOR_DOUBLE_FAULT: return STACK_DOUBLE_FAULT;
    case VECTOR_MACHINE_CHECK: return STACK_MACHINE_CHECK;
    default: return STACK_CURRENT;
  }
}

void build_idt(void) {
  for (u32 vector = 0; vector < 256; vector++) {
    u64 address = (u64)vector_stubs + vector * STUB_SIZE;
    idt[2 * vector] = (address & 0xffff) | (u64)SELECTOR_CODE << 16 | (u64)stack_of(vector) << 32 |
                      INTERRUPT_GATE << 32 | ((address >> 16) & 0xffff) << 48;
    idt[2 * vector + 1] = address >> 32;
  }
}

static void set_stack(enum stack stack, u32 end_page) {
  *(u64*)(CORE_DATA_BASE + CORE_DATA_TSS + TSS_STACK_TABLE + 8 * (stack - 1)) = CORE_BASE + (u64)end_page * PAGE_SIZE;
}

static void build_tss(void) {
  set_stack(STACK_NMI, CORE_PAGE_NMI_STACK_END);
  set_stack(STACK_DOUBLE_FAULT, CORE_PAGE_DOUBLE_FAULT_STACK_END);
  set_stack(STACK_MACHINE_CHECK, CORE_PAGE_MACHINE_CHECK_STACK_END);
  *(u16*)(CORE_DATA_BASE + CORE_DATA_TSS + TSS_IO_MAP_BASE) = TSS_SIZE;
}

static void build_gdt(void) {
  u64 tss = CORE_DATA_BASE + CORE_DATA_TSS;
  CORE_DATA->gdt[SELECTOR_CODE / 8] = CODE_SEGMENT;
  CORE_DATA->gdt[SELECTOR_DATA / 8] = DATA_SEGMENT;
  CORE_DATA->gdt[SELECTOR_TSS / 8] =
      (TSS_SIZE - 1) | (tss & 0xffffff) << 16 | TSS_AVAILABLE << 40 | ((tss >> 24) & 0xff) << 56;
  CORE_DATA->gdt[SELECTOR_TSS / 8 + 1] = tss >> 32;
}

/** Fills and loads this core's descriptor tables. GS base is 0 afterwards. */
void load_descriptors(void) {
  build_tss();
  build_gdt();
  struct table_register gdt_register = {SELECTOR_TSS + 16 - 1, CORE_DATA_BASE + CORE_DATA_GDT};
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
