// Messages on port 0xe9 and COM1 for the time when the kernel's console cannot be used.
#include "floor.h"

#define UART_LINE_STATUS 5
#define UART_TRANSMITTER_EMPTY 0x20
#define UART_WAIT_LIMIT 0x10000

static void com1_put(u8 character) {
  for (u32 wait = 0; wait < UART_WAIT_LIMIT; wait++) {
    if (in8(PORT_COM1 + UART_LINE_STATUS) & UART_TRANSMITTER_EMPTY) break;
  }
  out8(PORT_COM1, character);
}

static void console_put(u8 character) {
  out8(PORT_DEBUG_CONSOLE, character);
  com1_put(character);
}

void console_text(const char* text) {
  for (; *text != 0; text++) {
    if (*text == '\n') console_put('\r');
    console_put((u8)*text);
  }
}

void console_hex(u64 value) {
  console_text("0x");
  for (int shift = 60; shift >= 0; shift -= 4) {
    console_put((u8)"0123456789abcdef"[(value >> shift) & 15]);
  }
}

_Noreturn void stop(void) {
  for (;;) __asm__ volatile("cli; hlt");
}
