// The C functions that clang and wasm2c's code call.

#include <string.h>

#include <stdint.h>

void* memset(void* destination, int value, size_t length) {
  void* at = destination;
  __asm__ volatile("rep stosb" : "+D"(at), "+c"(length) : "a"(value) : "memory");
  return destination;
}

void* memcpy(void* destination, const void* source, size_t length) {
  void* at = destination;
  __asm__ volatile("rep movsb" : "+D"(at), "+S"(source), "+c"(length) : : "memory");
  return destination;
}

void* memmove(void* destination, const void* source, size_t length) {
  if ((uintptr_t)destination - (uintptr_t)source >= length) return memcpy(destination, source, length);
  uint8_t* to = destination;
  const uint8_t* from = source;
  while (length-- > 0) to[length] = from[length];
  return destination;
}

int memcmp(const void* left, const void* right, size_t length) {
  const uint8_t* first = left;
  const uint8_t* second = right;
  for (size_t index = 0; index < length; index++) {
    if (first[index] != second[index]) return first[index] - second[index];
  }
  return 0;
}
