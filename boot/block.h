// Blocks of memory moved and cleared eight bytes at a time: in an emulator each repetition costs an instruction.
#ifndef BULKHEAD_BLOCK_H
#define BULKHEAD_BLOCK_H

#include "types.h"

static inline void copy_bytes(u64 target, u64 source, u64 length) {
  u64 quadwords = length / 8, bytes = length % 8;
  __asm__ volatile("rep movsq" : "+D"(target), "+S"(source), "+c"(quadwords) : : "memory");
  __asm__ volatile("rep movsb" : "+D"(target), "+S"(source), "+c"(bytes) : : "memory");
}

static inline void clear_bytes(u64 target, u64 length) {
  u64 quadwords = length / 8, bytes = length % 8;
  __asm__ volatile("rep stosq" : "+D"(target), "+c"(quadwords) : "a"(0ull) : "memory");
  __asm__ volatile("rep stosb" : "+D"(target), "+c"(bytes) : "a"(0) : "memory");
}

#endif
