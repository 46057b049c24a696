// The console's translation unit. It reaches the ports of two devices and the letters of the screen, and of memory what is granted.
#include "floor.h"

#define WASM_LINEAR_MEMORY CONSOLE_MEMORY
#define WASM_LINEAR_MEMORY_PAGES CONSOLE_MEMORY_PAGES

#include "wasm-rt.h"

#define COM1_PORTS 8
#define FONT_SIZE 1520

struct w2c_port;
struct w2c_ring;
struct w2c_screen;
struct w2c_font;

static inline bool may_reach(u32 port) {
  return port - PORT_COM1 < COM1_PORTS || port == PORT_DEBUG_CONSOLE;
}

IMPORT u32 w2c_port_in8(INSTANCE(port), u32 port) {
  return may_reach(port) ? in8((u16)port) : 0xff;
}

IMPORT void w2c_port_out8(INSTANCE(port), u32 port, u32 value) {
  if (may_reach(port)) out8((u16)port, (u8)value);
}

IMPORT u32 w2c_font_load8(INSTANCE(font), u32 index) {
  return index < FONT_SIZE ? framebuffer_font[index] : 0;
}

/** Virtual address of bytes of a grant; 0 if not all of them are granted. */
static inline u64 granted(u32 grant, u64 offset, u64 length) {
  const volatile u64* place = (const volatile u64*)(CONSOLE_INSTANCE + CONSOLE_GRANTS_OFFSET) + 2 * grant;
  u64 size = place[1];
  return offset < size && length <= size - offset ? DIRECT_BASE + place[0] + offset : 0;
}

#define DEFINE_LOAD(module, grant, bits)                                 \
  IMPORT u32 w2c_##module##_load##bits(INSTANCE(module), u32 offset) {   \
    u64 place = granted(grant, offset, bits / 8);                        \
    return place == 0 ? 0 : *(volatile u##bits*)place;                   \
  }

/** `type` is the one that wasm knows. */
#define DEFINE_STORE(module, grant, bits, address, type)                               \
  IMPORT void w2c_##module##_store##bits(INSTANCE(module), address offset, type value) { \
    u64 place = granted(grant, offset, bits / 8);                                      \
    if (place != 0) *(volatile u##bits*)place = (u##bits)value;                        \
  }

DEFINE_LOAD(ring, CONSOLE_GRANT_RINGS, 16)
DEFINE_LOAD(ring, CONSOLE_GRANT_RINGS, 32)
DEFINE_STORE(ring, CONSOLE_GRANT_RINGS, 8, u32, u32)
DEFINE_STORE(ring, CONSOLE_GRANT_RINGS, 32, u32, u32)
DEFINE_STORE(screen, CONSOLE_GRANT_SCREEN, 8, u64, u32)
DEFINE_STORE(screen, CONSOLE_GRANT_SCREEN, 16, u64, u32)
DEFINE_STORE(screen, CONSOLE_GRANT_SCREEN, 64, u64, u64)

IMPORT void w2c_ring_compareExchange32(INSTANCE(ring), u32 offset, u32 expected, u32 value) {
  u64 place = granted(CONSOLE_GRANT_RINGS, offset, sizeof value);
  if (place != 0) __atomic_compare_exchange_n((volatile u32*)place, &expected, value, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

#include "../build/gen/console.c"

_Static_assert(sizeof(w2c_terminal) <= CONSOLE_GRANTS_OFFSET, "the console's instance lies below its grants");
