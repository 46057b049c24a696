#include "console.h"

#include "processor.h"

// Hypercall in kernel/policy/layout.ts.
#define HYPERCALL_CONSOLE_WRITE 1
#define HYPERCALL_POWER_OFF 2

#define SIGNATURE_LEAF 0x40000000
#define UART_DATA 0x3f8
#define UART_LINE_STATUS 0x3fd
#define UART_TRANSMITTER_EMPTY 0x20
#define UART_ATTEMPTS 100000
#define QEMU_DEBUG_EXIT 0xf4
#define QEMU_EXIT_PASSED 0x10

static bool hypervisor;

void detect_hypervisor(void) {
  uint32_t registers[4];
  cpuid(SIGNATURE_LEAF, 0, registers);
  hypervisor = registers[1] == 0x6b6c7542 && registers[2] == 0x64616568 && registers[3] == 0x6b6c7542;  // "Bulk" "head" "Bulk"
}

bool has_hypervisor(void) {
  return hypervisor;
}

uint64_t hypercall(uint64_t number, uint64_t first, uint64_t second) {
  __asm__ volatile("vmcall" : "+a"(number) : "D"(first), "S"(second) : "memory");
  return number;
}

static void uart_byte(uint8_t byte) {
  for (uint32_t attempt = 0; attempt < UART_ATTEMPTS && !(in8(UART_LINE_STATUS) & UART_TRANSMITTER_EMPTY); attempt++) {
  }
  out8(UART_DATA, byte);
}

void console_bytes(uint64_t bytes) {
  if (hypervisor) {
    hypercall(HYPERCALL_CONSOLE_WRITE, bytes, 0);
    return;
  }
  for (; bytes != 0; bytes >>= 8) uart_byte((uint8_t)bytes);
}

void console_text(const char* text) {
  for (; *text != 0; text++) console_bytes((uint8_t)*text);
}

void console_hex(uint64_t value) {
  for (int shift = 60; shift >= 0; shift -= 4) console_bytes((uint8_t)"0123456789abcdef"[value >> shift & 15]);
}

void power_off(void) {
  if (hypervisor) hypercall(HYPERCALL_POWER_OFF, 0, 0);
  else out8(QEMU_DEBUG_EXIT, QEMU_EXIT_PASSED);
  for (;;) __asm__ volatile("cli; hlt");
}
