#ifndef BULKHEAD_CPUID_H
#define BULKHEAD_CPUID_H

#include <stdint.h>

/** CPUID: EAX, EBX, ECX, EDX. */
static inline void cpuid(uint32_t leaf, uint32_t subleaf, uint32_t outputs[4]) {
  __asm__ volatile("cpuid"
                   : "=a"(outputs[0]), "=b"(outputs[1]), "=c"(outputs[2]), "=d"(outputs[3])
                   : "a"(leaf), "c"(subleaf));
}

#endif
