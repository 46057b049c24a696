// The memory functions that imports, clang and wasm2c's code call; eight bytes at a time: in an emulator each repetition costs an instruction.
#include <string.h>

void* memset(void* destination, int value, size_t length) {
  void* target = destination;
  size_t quadwords = length / 8, bytes = length % 8;
  unsigned long pattern = (unsigned char)value * 0x0101010101010101ul;
  __asm__ volatile("rep stosq" : "+D"(target), "+c"(quadwords) : "a"(pattern) : "memory");
  __asm__ volatile("rep stosb" : "+D"(target), "+c"(bytes) : "a"(pattern) : "memory");
  return destination;
}

void* memcpy(void* destination, const void* source, size_t length) {
  void* target = destination;
  size_t quadwords = length / 8, bytes = length % 8;
  __asm__ volatile("rep movsq" : "+D"(target), "+S"(source), "+c"(quadwords) : : "memory");
  __asm__ volatile("rep movsb" : "+D"(target), "+S"(source), "+c"(bytes) : : "memory");
  return destination;
}

void* memmove(void* destination, const void* source, size_t length) {
  if ((size_t)destination - (size_t)source >= length) return memcpy(destination, source, length);
  char* target = (char*)destination + length - 1;
  const char* from = (const char*)source + length - 1;
  __asm__ volatile("std; rep movsb; cld" : "+D"(target), "+S"(from), "+c"(length) : : "memory");
  return destination;
}
