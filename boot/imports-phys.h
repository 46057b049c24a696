// phys.*: kernel/memory/physical.ts, through the direct map of this core.
#include "block.h"
#include "layout.h"
#include "wasm-types.h"

struct w2c_phys;

#define PHYSICAL(type, address) ((volatile type*)(DIRECT_BASE + (address)))

IMPORT u32 w2c_phys_load8(INSTANCE(phys), u64 address) {
  return *PHYSICAL(u8, address);
}

IMPORT u32 w2c_phys_load16(INSTANCE(phys), u64 address) {
  return *PHYSICAL(u16, address);
}

IMPORT u32 w2c_phys_load32(INSTANCE(phys), u64 address) {
  return *PHYSICAL(u32, address);
}

IMPORT u64 w2c_phys_load64(INSTANCE(phys), u64 address) {
  return *PHYSICAL(u64, address);
}

IMPORT void w2c_phys_store8(INSTANCE(phys), u64 address, u32 value) {
  *PHYSICAL(u8, address) = (u8)value;
}

IMPORT void w2c_phys_store16(INSTANCE(phys), u64 address, u32 value) {
  *PHYSICAL(u16, address) = (u16)value;
}

IMPORT void w2c_phys_store32(INSTANCE(phys), u64 address, u32 value) {
  *PHYSICAL(u32, address) = value;
}

IMPORT void w2c_phys_store64(INSTANCE(phys), u64 address, u64 value) {
  *PHYSICAL(u64, address) = value;
}

IMPORT void w2c_phys_copy(INSTANCE(phys), u64 destination, u64 source, u64 length) {
  copy_bytes(DIRECT_BASE + destination, DIRECT_BASE + source, length);
}

IMPORT void w2c_phys_clear(INSTANCE(phys), u64 address, u64 length) {
  clear_bytes(DIRECT_BASE + address, length);
}

IMPORT u32 w2c_phys_compareExchange32(INSTANCE(phys), u64 address, u32 expected, u32 value) {
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
