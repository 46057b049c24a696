// cpu.*: kernel/cpu/processor.ts
#include "layout.h"
#include "types.h"

struct w2c_cpu;

/** Places in linear memory that an import writes to: %gs:address. */
typedef u32 __attribute__((address_space(256), aligned(1))) linear_u32;
typedef u64 __attribute__((address_space(256), aligned(1))) linear_u64;

/** A 64-bit value in EDX:EAX, read with ECX and written with ECX. */
#define DEFINE_READ_PAIR(name, instruction)                                               \
  IMPORT u64 w2c_cpu_##name(INSTANCE(cpu), u32 index) {                                   \
    u32 low, high;                                                                        \
    __asm__ volatile(instruction : "=a"(low), "=d"(high) : "c"(index));                   \
    return low | (u64)high << 32;                                                         \
  }
#define DEFINE_WRITE_PAIR(name, instruction)                                                                          \
  IMPORT void w2c_cpu_##name(INSTANCE(cpu), u32 index, u64 value) {                                                   \
    __asm__ volatile(instruction : : "a"((u32)value), "d"((u32)(value >> 32)), "c"(index) : "memory");                \
  }

#define DEFINE_READ_REGISTER(name, register)                            \
  IMPORT u64 w2c_cpu_##name(INSTANCE(cpu)) {                            \
    u64 value;                                                          \
    __asm__ volatile("movq %%" register ", %0" : "=r"(value));          \
    return value;                                                       \
  }
#define WRITE_REGISTER(register, value) __asm__ volatile("movq %0, %%" register : : "r"(value) : "memory")
#define DEFINE_WRITE_REGISTER(name, register) \
  IMPORT void w2c_cpu_##name(INSTANCE(cpu), u64 value) { WRITE_REGISTER(register, value); }
#define DEFINE_INSTRUCTION(name) \
  IMPORT void w2c_cpu_##name(INSTANCE(cpu)) { __asm__ volatile(#name : : : "memory"); }

DEFINE_READ_PAIR(rdmsr, "rdmsr")
DEFINE_READ_PAIR(xgetbv, "xgetbv")
DEFINE_WRITE_PAIR(wrmsr, "wrmsr")
DEFINE_WRITE_PAIR(xsetbv, "xsetbv")
DEFINE_READ_REGISTER(readCr0, "cr0")
DEFINE_READ_REGISTER(readCr3, "cr3")
DEFINE_READ_REGISTER(readCr4, "cr4")
DEFINE_READ_REGISTER(readDr6, "dr6")
DEFINE_WRITE_REGISTER(writeCr0, "cr0")
DEFINE_WRITE_REGISTER(writeCr2, "cr2")
DEFINE_WRITE_REGISTER(writeCr4, "cr4")
DEFINE_INSTRUCTION(pause)
DEFINE_INSTRUCTION(wbinvd)
DEFINE_INSTRUCTION(mfence)

IMPORT void w2c_cpu_cpuid(INSTANCE(cpu), u32 leaf, u32 subleaf, u32 out) {
  u32 outputs[4]; // EAX, EBX, ECX, EDX
  __asm__ volatile("cpuid" : "=a"(outputs[0]), "=b"(outputs[1]), "=c"(outputs[2]), "=d"(outputs[3]) : "a"(leaf), "c"(subleaf));
  for (u32 index = 0; index < 4; index++) *(linear_u32*)((u64)out + 4 * index) = outputs[index];
}

IMPORT u64 w2c_cpu_rdtsc(INSTANCE(cpu)) {
  return __builtin_ia32_rdtsc();
}

/** #GP at 1 goes on at 2 (traps.c), past the instruction that notes the success. */
IMPORT u32 w2c_cpu_tryRdmsr(INSTANCE(cpu), u32 index, u32 out) {
  u32 low = 0, high = 0, succeeded = 0;
  __asm__ volatile(
      "1: rdmsr\n"
      "movl $1, %0\n"
      "2:\n"
      ".pushsection .fixups, \"a\", @progbits\n"
      ".quad 1b, 2b\n"
      ".popsection\n"
      : "+r"(succeeded), "+a"(low), "+d"(high) : "c"(index));
  if (succeeded) *(linear_u64*)(u64)out = low | (u64)high << 32;
  return succeeded;
}

IMPORT void w2c_cpu_writeDebug(INSTANCE(cpu), u32 number, u64 value) {
  switch (number) {
    case 0: WRITE_REGISTER("dr0", value); break;
    case 1: WRITE_REGISTER("dr1", value); break;
    case 2: WRITE_REGISTER("dr2", value); break;
    case 3: WRITE_REGISTER("dr3", value); break;
    case 6: WRITE_REGISTER("dr6", value); break;
    case 7: WRITE_REGISTER("dr7", value); break;
  }
}
