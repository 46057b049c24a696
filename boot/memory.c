// The memory functions that clang and wasm2c's code call.
#include <string.h>

void* memset(void* destination, int value, size_t length) {
  void* target = destination;
  __asm__ volatile("rep stosb" : "+D"(target), "+c"(length) : "a"(value) : "memory");
  return destination;
}

void* memcpy(void* destination, const void* source, size_t length) {
  void* target = destination;
  __asm__ volatile("rep movsb" : "+D"(target), "+S"(source), "+c"(length) : : "memory");
  return destination;
}

void* memmove(void* destination, const void* source, size_t length) {
  if ((size_t)destination - (size_t)source >= length) return memcpy(destination, source, length);
  char* target = (char*)destination + length - 1;
  const char* from = (const char*)source + length - 1;
  __asm__ volatile("std; rep movsb; cld" : "+D"(target), "+S"(from), "+c"(length) : : "memory");
  return destination;
}
