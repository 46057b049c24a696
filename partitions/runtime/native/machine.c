// The wasm module of the partition and everything that it imports, in one translation unit: each import becomes a few
// instructions at the place of use. Declared for TypeScript in partitions/runtime/*.ts.

#include <stddef.h>
#include <stdint.h>

#include "benchmark.h"
#include "console.h"
#include "debug.h"
#include "instructions.h"
#include "interrupts.h"
#include "processor.h"
#include "processors.h"

struct w2c_machine;

// Linear memory, of which GS holds the base.
static inline void store_linear32(uint32_t address, uint32_t value) {
  *(volatile uint32_t __seg_gs*)(uintptr_t)address = value;
}

static inline void store_linear64(uint32_t address, uint64_t value) {
  *(volatile uint64_t __seg_gs*)(uintptr_t)address = value;
}

// hvm_start_info (xen/include/public/arch-x86/hvm/start_info.h).
#define START_INFO_COMMAND_LINE 24

static const uint8_t* command_line;

// processor.ts

static inline void w2c_machine_cpuid(struct w2c_machine* machine, uint32_t leaf, uint32_t subleaf, uint32_t out) {
  uint32_t registers[4];
  cpuid(leaf, subleaf, registers);
  for (uint32_t index = 0; index < 4; index++) store_linear32(out + index * 4, registers[index]);
}

static inline uint64_t w2c_machine_rdtsc(struct w2c_machine* machine) {
  return rdtsc();
}

static inline void w2c_machine_waitForInterrupt(struct w2c_machine* machine) {
  __asm__ volatile("sti; hlt; cli" : : : "memory");
}

static inline uint32_t w2c_machine_takeInterrupts(struct w2c_machine* machine, uint32_t vector) {
  return take_interrupts(vector);
}

static inline void w2c_machine_spin(struct w2c_machine* machine) {
  __asm__ volatile("cli\n1: jmp 1b");
}

static inline void w2c_machine_spinInShadow(struct w2c_machine* machine) {
  __asm__ volatile("1: sti; cli; jmp 1b");
}

static inline void w2c_machine_tripleFault(struct w2c_machine* machine) {
  static const struct __attribute__((packed)) {
    uint16_t limit;
    uint64_t base;
  } empty = {0, 0};
  __asm__ volatile("lidt %0; int3" : : "m"(empty));
}

// hypervisor.ts

static inline uint32_t w2c_machine_hasHypervisor(struct w2c_machine* machine) {
  return has_hypervisor();
}

static inline uint64_t w2c_machine_hypercall(struct w2c_machine* machine, uint32_t number, uint64_t first, uint64_t second) {
  return hypercall(number, first, second);
}

static inline void w2c_machine_powerOff(struct w2c_machine* machine) {
  power_off();
}

// console.ts

static inline void w2c_machine_consoleBytes(struct w2c_machine* machine, uint64_t bytes) {
  console_bytes(bytes);
}

// command-line.ts

static inline uint32_t w2c_machine_commandLineByte(struct w2c_machine* machine, uint32_t index) {
  return command_line == NULL ? 0 : command_line[index];
}

// attempt.ts: each returns the vector of the exception that the instruction met, or 0.

#define FAULT register uint64_t fault __asm__("r15") = 0

#define DEFINE_MEMORY_READ(bits)                                                                                                      \
  static inline uint32_t w2c_machine_readMemory##bits(struct w2c_machine* machine, uint64_t address, uint32_t out) {                  \
    FAULT;                                                                                                                            \
    uint##bits##_t value = 0;                                                                                                         \
    __asm__ volatile("1: mov (%2), %1\n2:\n" FIXUP : "+r"(fault), "+r"(value) : "r"(address) : "memory");                              \
    store_linear64(out, value);                                                                                                       \
    return (uint32_t)fault;                                                                                                           \
  }

#define DEFINE_MEMORY_WRITE(bits, type)                                                                                               \
  static inline uint32_t w2c_machine_writeMemory##bits(struct w2c_machine* machine, uint64_t address, type value) {                   \
    FAULT;                                                                                                                            \
    __asm__ volatile("1: mov %1, (%2)\n2:\n" FIXUP : "+r"(fault) : "r"((uint##bits##_t)value), "r"(address) : "memory");               \
    return (uint32_t)fault;                                                                                                           \
  }

DEFINE_MEMORY_READ(32)
DEFINE_MEMORY_READ(64)
DEFINE_MEMORY_WRITE(32, uint32_t)
DEFINE_MEMORY_WRITE(64, uint64_t)

static inline uint32_t w2c_machine_execute(struct w2c_machine* machine, uint64_t address) {
  return (uint32_t)try_call(address);
}

static inline uint32_t w2c_machine_readMsr(struct w2c_machine* machine, uint32_t index, uint32_t out) {
  FAULT;
  uint32_t low = 0, high = 0;
  __asm__ volatile("1: rdmsr\n2:\n" FIXUP : "+r"(fault), "+a"(low), "+d"(high) : "c"(index) : "memory");
  store_linear64(out, (uint64_t)high << 32 | low);
  return (uint32_t)fault;
}

static inline uint32_t w2c_machine_writeMsr(struct w2c_machine* machine, uint32_t index, uint64_t value) {
  FAULT;
  __asm__ volatile("1: wrmsr\n2:\n" FIXUP : "+r"(fault) : "c"(index), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)) : "memory");
  return (uint32_t)fault;
}

#define DEFINE_PORT(bits)                                                                                                             \
  static inline uint32_t w2c_machine_readPort##bits(struct w2c_machine* machine, uint32_t port, uint32_t out) {                       \
    FAULT;                                                                                                                            \
    uint##bits##_t value = 0;                                                                                                         \
    __asm__ volatile("1: in %%dx, %1\n2:\n" FIXUP : "+r"(fault), "+a"(value) : "d"(port) : "memory");                                  \
    store_linear64(out, value);                                                                                                       \
    return (uint32_t)fault;                                                                                                           \
  }                                                                                                                                   \
  static inline uint32_t w2c_machine_writePort##bits(struct w2c_machine* machine, uint32_t port, uint32_t value) {                    \
    FAULT;                                                                                                                            \
    __asm__ volatile("1: out %1, %%dx\n2:\n" FIXUP : "+r"(fault) : "a"((uint##bits##_t)value), "d"(port) : "memory");                  \
    return (uint32_t)fault;                                                                                                           \
  }

DEFINE_PORT(8)
DEFINE_PORT(16)
DEFINE_PORT(32)

static inline uint32_t w2c_machine_writeCr4(struct w2c_machine* machine, uint64_t value) {
  FAULT;
  __asm__ volatile("1: mov %1, %%cr4\n2:\n" FIXUP : "+r"(fault) : "r"(value) : "memory");
  return (uint32_t)fault;
}

static inline uint64_t w2c_machine_readCr4(struct w2c_machine* machine) {
  uint64_t value;
  __asm__ volatile("mov %%cr4, %0" : "=r"(value));
  return value;
}

static inline uint32_t w2c_machine_vmxon(struct w2c_machine* machine, uint64_t region) {
  FAULT;
  __asm__ volatile("1: vmxon %1\n2:\n" FIXUP : "+r"(fault) : "m"(region) : "memory", "cc");
  return (uint32_t)fault;
}

// benchmark.ts

static inline uint64_t w2c_machine_measureCpuid(struct w2c_machine* machine, uint32_t rounds) {
  return measure_cpuid(rounds);
}

static inline uint64_t w2c_machine_measureVmcall(struct w2c_machine* machine, uint32_t rounds) {
  return measure_vmcall(rounds);
}

static inline uint64_t w2c_machine_measureRdmsr(struct w2c_machine* machine, uint32_t rounds) {
  return measure_rdmsr(rounds);
}

static inline uint64_t w2c_machine_measureMmio(struct w2c_machine* machine, uint32_t rounds) {
  return measure_mmio(rounds);
}

static inline uint64_t w2c_machine_measureOut(struct w2c_machine* machine, uint32_t rounds) {
  return measure_out(rounds);
}

// processors.ts

static inline void w2c_machine_startProcessor(struct w2c_machine* machine, uint32_t identifier) {
  start_processor(identifier);
}

static inline void w2c_machine_pause(struct w2c_machine* machine) {
  __asm__ volatile("pause" : : : "memory");
}

static inline void w2c_machine_takeIpis(struct w2c_machine* machine) {
  __asm__ volatile("sti\n1: pause\n\tjmp 1b");
}

static inline void w2c_machine_haltForGood(struct w2c_machine* machine) {
  __asm__ volatile("cli\n1: hlt\n\tjmp 1b");
}

static inline uint64_t w2c_machine_measureIpi(struct w2c_machine* machine, uint32_t identifier, uint32_t rounds) {
  return measure_ipi(identifier, rounds);
}

// Made by wasm2c from partitions/NAME/main.ts.
#include "partition.c"

static w2c_partition instance;

/** Only partitions that start further processors export it. */
__attribute__((weak)) void w2c_partition_processor(w2c_partition*, uint32_t identifier);

_Noreturn void processor_started(uint32_t identifier) {
  load_idt();
  if (w2c_partition_processor != NULL) w2c_partition_processor(&instance, identifier);
  for (;;) __asm__ volatile("cli; hlt");
}

/** Without Bulkhead the PICs still deliver the firmware's timer, on vectors that are exceptions here. */
static void mask_pics(void) {
  out8(0x21, 0xff);
  out8(0xa1, 0xff);
}

_Noreturn void start(const uint8_t* start_info) {
  build_idt();
  detect_hypervisor();
  if (!has_hypervisor()) mask_pics();
  command_line = (const uint8_t*)*(const uint64_t*)(start_info + START_INFO_COMMAND_LINE);
  wasm2c_partition_instantiate(&instance, NULL);
  w2c_partition_main(&instance);
  power_off();
}

void wasm_rt_trap(wasm_rt_trap_t trap) {
  console_text("wasm trap ");
  console_hex(trap);
  console_text("\n");
  power_off();
}
