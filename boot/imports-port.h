// port.*: drivers/port.ts
#include "wasm-types.h"

struct w2c_port;

IMPORT u32 w2c_port_in8(INSTANCE(port), u32 port) {
  u8 value;
  __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"((u16)port) : "memory");
  return value;
}

IMPORT u32 w2c_port_in16(INSTANCE(port), u32 port) {
  u16 value;
  __asm__ volatile("inw %1, %0" : "=a"(value) : "Nd"((u16)port) : "memory");
  return value;
}

IMPORT u32 w2c_port_in32(INSTANCE(port), u32 port) {
  u32 value;
  __asm__ volatile("inl %1, %0" : "=a"(value) : "Nd"((u16)port) : "memory");
  return value;
}

IMPORT void w2c_port_out8(INSTANCE(port), u32 port, u32 value) {
  __asm__ volatile("outb %0, %1" : : "a"((u8)value), "Nd"((u16)port) : "memory");
}

IMPORT void w2c_port_out16(INSTANCE(port), u32 port, u32 value) {
  __asm__ volatile("outw %0, %1" : : "a"((u16)value), "Nd"((u16)port) : "memory");
}

IMPORT void w2c_port_out32(INSTANCE(port), u32 port, u32 value) {
  __asm__ volatile("outl %0, %1" : : "a"(value), "Nd"((u16)port) : "memory");
}
