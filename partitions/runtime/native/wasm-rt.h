// wasm2c's runtime for a bare-metal partition: linear memory at LINEAR_MEMORY with unmapped addresses behind it
// (guard-page mode), reached through GS, whose base the entry code sets once.
#ifndef BULKHEAD_PARTITION_WASM_RT_H
#define BULKHEAD_PARTITION_WASM_RT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "layout.h"

#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)

#define WASM_RT_USE_SEGUE 1
#define WASM_RT_MEMCHECK_GUARD_PAGES 1
#define WASM_RT_STACK_DEPTH_COUNT 0
#define WASM_RT_SANITY_CHECKS 0

// "Free segment" with a last value that is always the one asked for: no export saves, sets or restores GS.
#define WASM_RT_SEGUE_FREE_SEGMENT 1
#define wasm_rt_last_segment_val base
#define wasm_rt_fsgsbase_inst_supported true

#define wasm_rt_memcpy __builtin_memcpy

typedef enum {
  WASM_RT_TRAP_NONE,
  WASM_RT_TRAP_OOB,
  WASM_RT_TRAP_INT_OVERFLOW,
  WASM_RT_TRAP_DIV_BY_ZERO,
  WASM_RT_TRAP_INVALID_CONVERSION,
  WASM_RT_TRAP_UNREACHABLE,
  WASM_RT_TRAP_CALL_INDIRECT,
  WASM_RT_TRAP_EXHAUSTION,
} wasm_rt_trap_t;

typedef enum { WASM_RT_I32, WASM_RT_I64, WASM_RT_F32, WASM_RT_F64, WASM_RT_FUNCREF, WASM_RT_EXTERNREF } wasm_rt_type_t;

typedef struct {
  uint8_t* data;
  uint64_t pages;
  uint64_t max_pages;
  uint64_t page_size;
  uint64_t size;
  bool is64;
} wasm_rt_memory_t;

typedef const char* wasm_rt_func_type_t;
typedef void (*wasm_rt_function_ptr_t)(void);
typedef struct {
  wasm_rt_function_ptr_t function;
} wasm_rt_tailcallee_t;

typedef struct {
  wasm_rt_func_type_t func_type;
  wasm_rt_function_ptr_t func;
  wasm_rt_tailcallee_t func_tailcallee;
  void* module_instance;
} wasm_rt_funcref_t;

typedef struct {
  wasm_rt_funcref_t* data;
  uint32_t max_size;
  uint32_t size;
} wasm_rt_funcref_table_t;

typedef void* wasm_rt_externref_t;

typedef struct {
  wasm_rt_externref_t* data;
  uint32_t max_size;
  uint32_t size;
} wasm_rt_externref_table_t;

#define wasm_rt_funcref_null_value ((wasm_rt_funcref_t){0})
#define wasm_rt_externref_null_value ((wasm_rt_externref_t)0)

/** Says which trap it was and stops the partition. */
_Noreturn void wasm_rt_trap(wasm_rt_trap_t trap);

static inline bool wasm_rt_is_initialized(void) {
  return true;
}

static inline void* wasm_rt_syscall_get_segue_base(void) {
  return (void*)LINEAR_MEMORY;
}

static inline void wasm_rt_syscall_set_segue_base(void* base) {
  (void)base;
}

static inline void wasm_rt_allocate_memory(wasm_rt_memory_t* memory, uint64_t pages, uint64_t max_pages, bool is64, uint32_t page_size) {
  *memory = (wasm_rt_memory_t){(uint8_t*)LINEAR_MEMORY, pages, max_pages, page_size, pages * page_size, is64};
}

static inline void wasm_rt_free_memory(wasm_rt_memory_t* memory) {
  (void)memory;
}

#endif
