// Run time of wasm2c's code (wabt 1.0.39) without a C library. Linear memory is addressed as %gs:offset; whatever
// lies beyond it is unmapped, so no access is checked. The floor keeps the GS base right.
//
// The file that includes the generated code defines WASM_LINEAR_MEMORY and WASM_LINEAR_MEMORY_PAGES (of 4 KiB) first.
#ifndef WASM_RT_H_
#define WASM_RT_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define WASM_RT_USE_SEGUE 1
#define WASM_RT_SEGUE_FREE_SEGMENT 0
#define WASM_RT_MEMCHECK_GUARD_PAGES 1
#define WASM_RT_STACK_DEPTH_COUNT 0
#define WASM_RT_SANITY_CHECKS 0
#define WABT_BIG_ENDIAN 0

#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)
#define wasm_rt_memcpy __builtin_memcpy
#define wasm_rt_is_initialized() 1

// The floor alone reads and writes the segment base.
#define wasm_rt_fsgsbase_inst_supported 0
#define wasm_rt_syscall_get_segue_base() ((void*)0)
#define wasm_rt_syscall_set_segue_base(base) ((void)(base))

/** kernel/texts.json has what is printed for each. */
typedef enum {
  WASM_RT_TRAP_NONE = 0,
  WASM_RT_TRAP_OOB = 1,
  WASM_RT_TRAP_INT_OVERFLOW = 2,
  WASM_RT_TRAP_DIV_BY_ZERO = 3,
  WASM_RT_TRAP_INVALID_CONVERSION = 4,
  WASM_RT_TRAP_UNREACHABLE = 5,
  WASM_RT_TRAP_CALL_INDIRECT = 6,
  WASM_RT_TRAP_UNCAUGHT_EXCEPTION = 7,
  WASM_RT_TRAP_UNALIGNED = 8,
} wasm_rt_trap_t;

/** UD2, then TEST AL, never executed, whose immediate says why: disassemblers stay in step. */
#define wasm_rt_trap(reason)                                         \
  __extension__({                                                    \
    __asm__ volatile("ud2\ntestb %0, %%al" : : "i"((int)(reason))); \
    __builtin_unreachable();                                         \
  })

typedef enum { WASM_RT_I32, WASM_RT_I64, WASM_RT_F32, WASM_RT_F64, WASM_RT_V128, WASM_RT_FUNCREF, WASM_RT_EXTERNREF } wasm_rt_type_t;

typedef void (*wasm_rt_function_ptr_t)(void);
typedef const char* wasm_rt_func_type_t;
typedef struct wasm_rt_tailcallee_t {
  void (*fn)(void** instance, void* stack, struct wasm_rt_tailcallee_t* next);
} wasm_rt_tailcallee_t;

typedef struct {
  wasm_rt_func_type_t func_type;
  wasm_rt_function_ptr_t func;
  wasm_rt_tailcallee_t func_tailcallee;
  void* module_instance;
} wasm_rt_funcref_t;
#define wasm_rt_funcref_null_value ((wasm_rt_funcref_t){NULL, NULL, {NULL}, NULL})

typedef void* wasm_rt_externref_t;
#define wasm_rt_externref_null_value ((wasm_rt_externref_t)NULL)

typedef struct {
  uint8_t* data;
  uint64_t pages, max_pages;
  uint64_t page_size;
  uint64_t size;
  bool is64;
} wasm_rt_memory_t;

// No module has a table; functions for them stand in wasm2c's code all the same.
#define WASM_RT_TABLE(element) struct { element* data; uint32_t max_size, size; }
typedef WASM_RT_TABLE(wasm_rt_funcref_t) wasm_rt_funcref_table_t;
typedef WASM_RT_TABLE(wasm_rt_externref_t) wasm_rt_externref_table_t;

/** Linear memory stands at a fixed address; it is mapped already and never grows. */
static inline void wasm_rt_allocate_memory(wasm_rt_memory_t* memory, uint64_t initial_pages, uint64_t max_pages, bool is64,
                                           uint32_t page_size) {
  uint64_t size = initial_pages * page_size;
  if (size > WASM_LINEAR_MEMORY_PAGES * 4096ull) wasm_rt_trap(WASM_RT_TRAP_OOB);
  memory->data = (uint8_t*)WASM_LINEAR_MEMORY;
  memory->pages = initial_pages;
  memory->max_pages = max_pages;
  memory->page_size = page_size;
  memory->size = size;
  memory->is64 = is64;
}

static inline void wasm_rt_free_memory(wasm_rt_memory_t* memory) {
  (void)memory;
}

// The generated code declares variables that it then does not use.
#pragma clang diagnostic ignored "-Wunused-variable"
#pragma clang diagnostic ignored "-Wunused-but-set-variable"

#endif
