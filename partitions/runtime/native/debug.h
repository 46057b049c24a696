// Sequences around debug traps, interrupt shadows and NMIs, which must be instructions side by side. Declared for TypeScript in
// partitions/runtime/debug.ts. Each returns 0, or what differs from the manual.
#ifndef BULKHEAD_PARTITION_DEBUG_H
#define BULKHEAD_PARTITION_DEBUG_H

#include <stdint.h>

#include "interrupts.h"
#include "processor.h"

struct w2c_machine;

#define WRONG_COUNT 1
#define WRONG_PLACE 2
#define WRONG_STATUS 4
#define WRONG_CONTROL 8

#define DR6_RESET 0xffff0ff0
#define DR6_BD (1 << 13)
#define DR6_BS (1 << 14)
#define DR6_CAUSES 0xe00f
#define DR7_RESET 0x400
#define DR7_GD (1 << 13)
#define SHADOW_VECTOR 0x51

static inline void begin_debug(uint64_t control) {
  debug_trap = (struct debug_trap){0};
  __asm__ volatile("mov %0, %%dr6" : : "r"((uint64_t)DR6_RESET));
  __asm__ volatile("mov %0, %%dr7" : : "r"(control));
}

static inline uint32_t judge_debug(uint64_t place, uint64_t cause) {
  uint32_t wrong = 0;
  if (debug_trap.count != 1) wrong |= WRONG_COUNT;
  if (debug_trap.rip != place) wrong |= WRONG_PLACE;
  if ((debug_trap.status & DR6_CAUSES) != cause) wrong |= WRONG_STATUS;
  if (debug_trap.control & DR7_GD) wrong |= WRONG_CONTROL;
  __asm__ volatile("mov %0, %%dr7" : : "r"((uint64_t)DR7_RESET));
  return wrong;
}

#define SET_TRAP_FLAG "pushfq; orq $0x100, (%%rsp); lea 3f(%%rip), %0; popfq\n"
#define CLOBBERS "rax", "rbx", "rcx", "rdx", "memory", "cc"

/** A single step over `text`, with DR7 as given: one trap behind it. The handler clears TF. */
#define DEFINE_STEP(name, control, before, text)                                           \
  static inline uint32_t w2c_machine_##name(struct w2c_machine* machine) {                 \
    uint64_t place;                                                                        \
    begin_debug(control);                                                                  \
    __asm__ volatile(before "\n" SET_TRAP_FLAG text "\n3: nop" : "=&r"(place) : : CLOBBERS); \
    return judge_debug(place, DR6_BS);                                                     \
  }

DEFINE_STEP(stepNop, DR7_RESET, "", "nop")
DEFINE_STEP(stepCpuid, DR7_RESET, "xor %%eax, %%eax", "cpuid")
DEFINE_STEP(stepRdmsr, DR7_RESET, "mov $0x1a0, %%ecx", "rdmsr")
DEFINE_STEP(stepWrmsr, DR7_RESET, "mov $0x8b, %%ecx; xor %%eax, %%eax; xor %%edx, %%edx", "wrmsr")
DEFINE_STEP(stepVmcall, DR7_RESET, "xor %%eax, %%eax", "vmcall")
DEFINE_STEP(stepWbinvd, DR7_RESET, "", "wbinvd")
DEFINE_STEP(stepHalt, DR7_RESET, "", "hlt")
DEFINE_STEP(stepMovSs, DR7_RESET, "mov %%ss, %%ebx; xor %%eax, %%eax", "mov %%ebx, %%ss; cpuid")
DEFINE_STEP(stepGuarded, DR7_RESET | DR7_GD, "xor %%eax, %%eax", "cpuid")

/** With DR7.GD set, CPUID passes and the next access to a debug register traps before it is carried out. */
static inline uint32_t w2c_machine_guardBehindCpuid(struct w2c_machine* machine) {
  uint64_t place;
  begin_debug(DR7_RESET | DR7_GD);
  __asm__ volatile("xor %%eax, %%eax; lea 3f(%%rip), %0; cpuid\n3: mov %%dr7, %%rax" : "=&r"(place) : : CLOBBERS);
  return judge_debug(place, DR6_BD);
}

/** An interrupt that waits is taken behind the instruction in the shadow of STI. */
#define DEFINE_SHADOW(name, text)                                                                                                     \
  static inline uint32_t w2c_machine_##name(struct w2c_machine* machine) {                                                            \
    uint64_t place;                                                                                                                   \
    take_interrupts(SHADOW_VECTOR);                                                                                                   \
    __asm__ volatile("mov $0x83f, %%ecx; mov %1, %%eax; xor %%edx, %%edx; wrmsr; xor %%eax, %%eax; lea 3f(%%rip), %0; sti\n" text     \
                     "\n3: nop; cli"                                                                                                   \
                     : "=&r"(place) : "i"(SHADOW_VECTOR) : CLOBBERS);                                                                 \
    uint32_t wrong = interrupt_place(SHADOW_VECTOR) == place ? 0 : WRONG_PLACE;                                                       \
    return take_interrupts(SHADOW_VECTOR) == 1 ? wrong : wrong | WRONG_COUNT;                                                         \
  }

DEFINE_SHADOW(shadowNop, "nop")
DEFINE_SHADOW(shadowCpuid, "cpuid")

/** An NMI that comes while another is in service waits for its IRET. Returns 0 if both came, one after the other. */
static inline uint32_t w2c_machine_nestedNmi(struct w2c_machine* machine, uint64_t command) {
  begin_nmi(command, 1);
  send_nmi(command);
  __asm__ volatile("xor %%eax, %%eax; cpuid" : : : CLOBBERS);
  uint32_t wrong = deepest_nmi() == 1 ? 0 : WRONG_STATUS;
  return take_interrupts(2) == 2 ? wrong : wrong | WRONG_COUNT;
}

#endif
