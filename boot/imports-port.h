// port.*: drivers/port.ts
#include "types.h"

struct w2c_port;

#define DEFINE_PORT_ACCESS(bits, suffix)                                                               \
  IMPORT u32 w2c_port_in##bits(INSTANCE(port), u32 port) {                                             \
    u##bits value;                                                                                     \
    __asm__ volatile("in" suffix " %1, %0" : "=a"(value) : "Nd"((u16)port) : "memory");                \
    return value;                                                                                      \
  }                                                                                                    \
  IMPORT void w2c_port_out##bits(INSTANCE(port), u32 port, u32 value) {                                \
    __asm__ volatile("out" suffix " %0, %1" : : "a"((u##bits)value), "Nd"((u16)port) : "memory");      \
  }

DEFINE_PORT_ACCESS(8, "b")
DEFINE_PORT_ACCESS(16, "w")
DEFINE_PORT_ACCESS(32, "l")
