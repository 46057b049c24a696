// Instructions that a hypervisor carries out, refuses or lets through. Declared for TypeScript in partitions/runtime/instructions.ts.
#ifndef BULKHEAD_PARTITION_INSTRUCTIONS_H
#define BULKHEAD_PARTITION_INSTRUCTIONS_H

#include <stdint.h>

#include "interrupts.h"

struct w2c_machine;

/** One page for operands in memory. */
static uint8_t operand_page[4096] __attribute__((aligned(4096)));

/** `text` may fault; `before` readies its registers. RSI points to the operand page. */
#define DEFINE_INSTRUCTION(name, before, text)                                                                                        \
  static inline uint32_t w2c_machine_##name(struct w2c_machine* machine) {                                                            \
    register uint64_t fault __asm__("r15") = 0;                                                                                       \
    __asm__ volatile(before "\n1: " text "\n2:\n" FIXUP : "+r"(fault) : "S"(operand_page) : "rax", "rbx", "rcx", "rdx", "memory", "cc"); \
    return (uint32_t)fault;                                                                                                           \
  }

DEFINE_INSTRUCTION(tryUndefined, "", "ud2")
DEFINE_INSTRUCTION(tryMonitor, "mov %%rsi, %%rax; xor %%ecx, %%ecx; xor %%edx, %%edx", "monitor")
DEFINE_INSTRUCTION(tryMwait, "xor %%eax, %%eax; xor %%ecx, %%ecx", "mwait")
DEFINE_INSTRUCTION(tryRdpmc, "xor %%ecx, %%ecx", "rdpmc")
DEFINE_INSTRUCTION(tryXsaves, "xor %%eax, %%eax; xor %%edx, %%edx", "xsaves64 (%%rsi)")
DEFINE_INSTRUCTION(tryXrstors, "xor %%eax, %%eax; xor %%edx, %%edx", "xrstors64 (%%rsi)")
DEFINE_INSTRUCTION(tryVmfunc, "xor %%eax, %%eax; xor %%ecx, %%ecx", "vmfunc")
DEFINE_INSTRUCTION(tryRsm, "", "rsm")
DEFINE_INSTRUCTION(tryGetsec, "xor %%eax, %%eax", "getsec")
DEFINE_INSTRUCTION(tryVmread, "", "vmread %%rax, %%rbx")
DEFINE_INSTRUCTION(tryRdrand, "", "rdrand %%rax")
DEFINE_INSTRUCTION(tryRdseed, "", "rdseed %%rax")
DEFINE_INSTRUCTION(tryWbinvd, "", "wbinvd")
DEFINE_INSTRUCTION(tryInvlpg, "", "invlpg (%%rsi)")
DEFINE_INSTRUCTION(tryInvpcid, "movq $0, (%%rsi); movq $0, 8(%%rsi); mov $2, %%eax", "invpcid (%%rsi), %%rax")
DEFINE_INSTRUCTION(tryInvpcidReserved, "movq $0, (%%rsi); movq $0, 8(%%rsi); mov $4, %%eax", "invpcid (%%rsi), %%rax")
DEFINE_INSTRUCTION(tryPause, "", "pause")
DEFINE_INSTRUCTION(tryDescriptorTables, "sgdt (%%rsi); sidt 16(%%rsi); sldt 32(%%rsi); str 34(%%rsi)", "lgdt (%%rsi); lidt 16(%%rsi)")
DEFINE_INSTRUCTION(tryNonCanonical, "mov $1, %%eax; shl $48, %%rax", "mov (%%rax), %%rbx")
DEFINE_INSTRUCTION(tryXgetbv, "xor %%ecx, %%ecx", "xgetbv")

static inline uint32_t w2c_machine_writeXcr(struct w2c_machine* machine, uint32_t index, uint64_t value) {
  register uint64_t fault __asm__("r15") = 0;
  __asm__ volatile("1: xsetbv\n2:\n" FIXUP : "+r"(fault) : "c"(index), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)) : "memory");
  return (uint32_t)fault;
}

static inline uint64_t w2c_machine_readXcr0(struct w2c_machine* machine) {
  uint32_t low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (uint64_t)high << 32 | low;
}

#define DEFINE_CONTROL_REGISTER(number)                                                                                               \
  static inline uint32_t w2c_machine_writeControl##number(struct w2c_machine* machine, uint64_t value) {                              \
    register uint64_t fault __asm__("r15") = 0;                                                                                       \
    __asm__ volatile("1: mov %1, %%cr" #number "\n2:\n" FIXUP : "+r"(fault) : "r"(value) : "memory");                                  \
    return (uint32_t)fault;                                                                                                           \
  }                                                                                                                                   \
  static inline uint64_t w2c_machine_readControl##number(struct w2c_machine* machine) {                                               \
    uint64_t value;                                                                                                                   \
    __asm__ volatile("mov %%cr" #number ", %0" : "=r"(value));                                                                        \
    return value;                                                                                                                     \
  }

DEFINE_CONTROL_REGISTER(0)
DEFINE_CONTROL_REGISTER(2)
DEFINE_CONTROL_REGISTER(3)
DEFINE_CONTROL_REGISTER(8)

/** IA32_TSC_AUX as RDTSCP gives it. */
static inline uint32_t w2c_machine_rdtscpAux(struct w2c_machine* machine) {
  uint32_t auxiliary;
  __asm__ volatile("rdtscp" : "=c"(auxiliary) : : "rax", "rdx");
  return auxiliary;
}

#endif
