// Loops that cause one VM exit a round, measured by the TSC. Each round has three more instructions: one that sets the
// operand, DEC and JNZ.
#ifndef BULKHEAD_PARTITION_BENCHMARK_H
#define BULKHEAD_PARTITION_BENCHMARK_H

#include <stdint.h>

#include "processor.h"

#define MSR_APIC_BASE 0x1b
/** IOWIN of the I/O APIC, which no processor virtualises: each write exits, and sets the identifier, register 0, to 0 once more. */
#define IO_APIC_WINDOW 0xfec00010
/** Scratch register of COM1. */
#define UART_SCRATCH 0x3ff

static inline uint64_t measure_cpuid(uint64_t rounds) {
  uint64_t begin = rdtsc();
  __asm__ volatile("1: xor %%eax, %%eax\n\tcpuid\n\tdec %0\n\tjnz 1b" : "+r"(rounds) : : "rax", "rbx", "rcx", "rdx", "cc");
  return rdtsc() - begin;
}

/** Hypercall number 0, which asks for the version. */
static inline uint64_t measure_vmcall(uint64_t rounds) {
  uint64_t begin = rdtsc();
  __asm__ volatile("1: xor %%eax, %%eax\n\tvmcall\n\tdec %0\n\tjnz 1b" : "+r"(rounds) : : "rax", "cc", "memory");
  return rdtsc() - begin;
}

static inline uint64_t measure_rdmsr(uint64_t rounds) {
  uint64_t begin = rdtsc();
  __asm__ volatile("1: mov %1, %%ecx\n\trdmsr\n\tdec %0\n\tjnz 1b" : "+r"(rounds) : "i"(MSR_APIC_BASE) : "rax", "rcx", "rdx", "cc");
  return rdtsc() - begin;
}

static inline uint64_t measure_mmio(uint64_t rounds) {
  uint64_t begin = rdtsc();
  __asm__ volatile("1: mov %1, %%ecx\n\tmov %%eax, (%%rcx)\n\tdec %0\n\tjnz 1b" : "+r"(rounds) : "i"(IO_APIC_WINDOW), "a"(0) : "rcx", "cc", "memory");
  return rdtsc() - begin;
}

static inline uint64_t measure_out(uint64_t rounds) {
  uint64_t begin = rdtsc();
  __asm__ volatile("1: mov %1, %%edx\n\tout %%al, %%dx\n\tdec %0\n\tjnz 1b" : "+r"(rounds) : "i"(UART_SCRATCH), "a"(0) : "rdx", "cc");
  return rdtsc() - begin;
}

#endif
