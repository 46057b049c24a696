// Types of the floor and of wasm2c's generated headers, and the form of an import.
#ifndef BULKHEAD_TYPES_H
#define BULKHEAD_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WASM_RT_CORE_TYPES_DEFINED
typedef uint8_t u8;
typedef int8_t s8;
typedef uint16_t u16;
typedef int16_t s16;
typedef uint32_t u32;
typedef int32_t s32;
typedef uint64_t u64;
typedef int64_t s64;
typedef float f32;
typedef double f64;

/** An import: one instruction, or a few, at the place of use. */
#define IMPORT static inline __attribute__((always_inline, unused))
/** The instance of the imported module, which no import needs. */
#define INSTANCE(module) struct w2c_##module* instance __attribute__((unused))

#endif
