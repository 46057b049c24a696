// phys.*: kernel/memory/physical.ts, through the direct map of this core.
#include <string.h>

#include "layout.h"
#include "types.h"

struct w2c_phys;

// A module that may not write everything defines before what a write has to pass: planner.c.
#ifndef CHECK_WRITE
#define CHECK_WRITE(address, length)
#endif

#define PHYSICAL(type, address) ((volatile type*)(DIRECT_BASE + (address)))

/** `type` is the one that wasm knows. */
#define DEFINE_PHYSICAL_ACCESS(bits, type)                                                             \
  IMPORT type w2c_phys_load##bits(INSTANCE(phys), u64 address) { return *PHYSICAL(u##bits, address); } \
  IMPORT void w2c_phys_store##bits(INSTANCE(phys), u64 address, type value) {                          \
    CHECK_WRITE(address, bits / 8);                                                                    \
    *PHYSICAL(u##bits, address) = (u##bits)value;                                                      \
  }

DEFINE_PHYSICAL_ACCESS(8, u32)
DEFINE_PHYSICAL_ACCESS(16, u32)
DEFINE_PHYSICAL_ACCESS(32, u32)
DEFINE_PHYSICAL_ACCESS(64, u64)

IMPORT void w2c_phys_copy(INSTANCE(phys), u64 destination, u64 source, u64 length) {
  CHECK_WRITE(destination, length);
  memcpy((void*)(DIRECT_BASE + destination), (const void*)(DIRECT_BASE + source), length);
}

IMPORT void w2c_phys_clear(INSTANCE(phys), u64 address, u64 length) {
  CHECK_WRITE(address, length);
  memset((void*)(DIRECT_BASE + address), 0, length);
}

IMPORT u32 w2c_phys_compareExchange32(INSTANCE(phys), u64 address, u32 expected, u32 value) {
  CHECK_WRITE(address, sizeof value);
  __asm__ volatile("lock cmpxchgl %2, %1" : "+a"(expected), "+m"(*PHYSICAL(u32, address)) : "r"(value) : "memory");
  return expected;
}

// The smallest line that CLFLUSH knows, SDM 2A CLFLUSH; longer ones are flushed more than once.
#define CACHE_LINE 64

IMPORT void w2c_phys_flushCache(INSTANCE(phys), u64 address, u64 length) {
  u64 end = DIRECT_BASE + address + length;
  for (u64 line = (DIRECT_BASE + address) & ~(u64)(CACHE_LINE - 1); line < end; line += CACHE_LINE) {
    __asm__ volatile("clflush (%0)" : : "r"(line) : "memory");
  }
  __asm__ volatile("mfence" : : : "memory");
}
