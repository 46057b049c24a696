// Messages on port 0xe9 and COM1 where the console cannot be used: before and after it, and on other cores than 0.
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

void message_put(u8 character) {
  if (in8(PORT_DEBUG_CONSOLE) == PORT_DEBUG_CONSOLE) out8(PORT_DEBUG_CONSOLE, character);
  com1_put(character);
}

void message_text(const char* text) {
  for (; *text != 0; text++) {
    if (*text == '\n') message_put('\r');
    message_put((u8)*text);
  }
}

void message_hex(u64 value) {
  message_text("0x");
  for (int shift = 60; shift >= 0; shift -= 4) {
    message_put((u8)"0123456789abcdef"[(value >> shift) & 15]);
  }
}

_Noreturn void stop(void) {
  for (;;) __asm__ volatile("cli; hlt");
}
