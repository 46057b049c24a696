// cpu.*: kernel/cpu/processor.ts
#include "cpuid.h"
#include "layout.h"
#include "wasm-types.h"

struct w2c_cpu;

/** Places in linear memory that an import writes to: %gs:address. */
typedef u32 __attribute__((address_space(256), aligned(1))) linear_u32;
typedef u64 __attribute__((address_space(256), aligned(1))) linear_u64;

IMPORT void w2c_cpu_cpuid(INSTANCE(cpu), u32 leaf, u32 subleaf, u32 out) {
  u32 outputs[4];
  cpuid(leaf, subleaf, outputs);
  for (u32 index = 0; index < 4; index++) *(linear_u32*)((u64)out + 4 * index) = outputs[index];
}

IMPORT u64 w2c_cpu_rdtsc(INSTANCE(cpu)) {
  u32 low, high;
  __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
  return low | (u64)high << 32;
}

IMPORT u64 w2c_cpu_rdmsr(INSTANCE(cpu), u32 index) {
  u32 low, high;
  __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(index));
  return low | (u64)high << 32;
}

IMPORT void w2c_cpu_wrmsr(INSTANCE(cpu), u32 index, u64 value) {
  __asm__ volatile("wrmsr" : : "a"((u32)value), "d"((u32)(value >> 32)), "c"(index) : "memory");
}

/** #GP at 1 goes on at 2 (traps.c), past the instruction that notes the success. */
#define SURVIVE_FAULT(instruction, succeeded) \
  "1: " instruction "\n"                      \
  "movl $1, " succeeded "\n"                  \
  "2:\n"                                      \
  ".pushsection .fixups, \"a\", @progbits\n"  \
  ".quad 1b, 2b\n"                            \
  ".popsection\n"

IMPORT u32 w2c_cpu_tryRdmsr(INSTANCE(cpu), u32 index, u32 out) {
  u32 low = 0, high = 0, succeeded = 0;
  __asm__ volatile(SURVIVE_FAULT("rdmsr", "%0") : "+r"(succeeded), "+a"(low), "+d"(high) : "c"(index));
  if (succeeded) *(linear_u64*)(u64)out = low | (u64)high << 32;
  return succeeded;
}

IMPORT u32 w2c_cpu_tryWrmsr(INSTANCE(cpu), u32 index, u64 value) {
  u32 succeeded = 0;
  __asm__ volatile(SURVIVE_FAULT("wrmsr", "%0")
                   : "+r"(succeeded)
                   : "a"((u32)value), "d"((u32)(value >> 32)), "c"(index)
                   : "memory");
  return succeeded;
}

IMPORT u64 w2c_cpu_readCr0(INSTANCE(cpu)) {
  u64 value;
  __asm__ volatile("movq %%cr0, %0" : "=r"(value));
  return value;
}

IMPORT void w2c_cpu_writeCr0(INSTANCE(cpu), u64 value) {
  __asm__ volatile("movq %0, %%cr0" : : "r"(value) : "memory");
}

IMPORT u64 w2c_cpu_readCr3(INSTANCE(cpu)) {
  u64 value;
  __asm__ volatile("movq %%cr3, %0" : "=r"(value));
  return value;
}

IMPORT u64 w2c_cpu_readCr4(INSTANCE(cpu)) {
  u64 value;
  __asm__ volatile("movq %%cr4, %0" : "=r"(value));
  return value;
}

IMPORT void w2c_cpu_writeCr4(INSTANCE(cpu), u64 value) {
  __asm__ volatile("movq %0, %%cr4" : : "r"(value) : "memory");
}

IMPORT void w2c_cpu_writeCr2(INSTANCE(cpu), u64 value) {
  __asm__ volatile("movq %0, %%cr2" : : "r"(value));
}

IMPORT u64 w2c_cpu_xgetbv(INSTANCE(cpu), u32 number) {
  u32 low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(number));
  return low | (u64)high << 32;
}

IMPORT void w2c_cpu_xsetbv(INSTANCE(cpu), u32 number, u64 value) {
  __asm__ volatile("xsetbv" : : "a"((u32)value), "d"((u32)(value >> 32)), "c"(number));
}

IMPORT void w2c_cpu_pause(INSTANCE(cpu)) {
  __asm__ volatile("pause" : : : "memory");
}

IMPORT void w2c_cpu_wbinvd(INSTANCE(cpu)) {
  __asm__ volatile("wbinvd" : : : "memory");
}

IMPORT void w2c_cpu_invlpg(INSTANCE(cpu), u64 address) {
  __asm__ volatile("invlpg (%0)" : : "r"(address) : "memory");
}

IMPORT void w2c_cpu_mfence(INSTANCE(cpu)) {
  __asm__ volatile("mfence" : : : "memory");
}

IMPORT void w2c_cpu_writeDebug(INSTANCE(cpu), u32 number, u64 value) {
  switch (number) {
    case 0: __asm__ volatile("movq %0, %%dr0" : : "r"(value)); break;
    case 1: __asm__ volatile("movq %0, %%dr1" : : "r"(value)); break;
    case 2: __asm__ volatile("movq %0, %%dr2" : : "r"(value)); break;
    case 3: __asm__ volatile("movq %0, %%dr3" : : "r"(value)); break;
    case 6: __asm__ volatile("movq %0, %%dr6" : : "r"(value)); break;
    case 7: __asm__ volatile("movq %0, %%dr7" : : "r"(value)); break;
  }
}
