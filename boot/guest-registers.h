// The guest's general registers at Fixed.GuestRegisters of the core's kernel memory, which GS points at, in encoding
// order; RSP is in the VMCS. For assembly only.
#ifndef BULKHEAD_GUEST_REGISTERS_H
#define BULKHEAD_GUEST_REGISTERS_H

#include "layout.h"

#define REGISTER(number) %gs:FIXED_GUEST_REGISTERS + 8 * number

.macro load_guest_registers
  movq REGISTER(0), %rax
  movq REGISTER(1), %rcx
  movq REGISTER(2), %rdx
  movq REGISTER(3), %rbx
  movq REGISTER(5), %rbp
  movq REGISTER(6), %rsi
  movq REGISTER(7), %rdi
  movq REGISTER(8), %r8
  movq REGISTER(9), %r9
  movq REGISTER(10), %r10
  movq REGISTER(11), %r11
  movq REGISTER(12), %r12
  movq REGISTER(13), %r13
  movq REGISTER(14), %r14
  movq REGISTER(15), %r15
.endm

// Ends with all of them clear: no value of the guest's steers the kernel, not even in speculation.
.macro take_guest_registers
  movq %rax, REGISTER(0)
  movq %rcx, REGISTER(1)
  movq %rdx, REGISTER(2)
  movq %rbx, REGISTER(3)
  movq %rbp, REGISTER(5)
  movq %rsi, REGISTER(6)
  movq %rdi, REGISTER(7)
  movq %r8, REGISTER(8)
  movq %r9, REGISTER(9)
  movq %r10, REGISTER(10)
  movq %r11, REGISTER(11)
  movq %r12, REGISTER(12)
  movq %r13, REGISTER(13)
  movq %r14, REGISTER(14)
  movq %r15, REGISTER(15)
  xorl %eax, %eax
  xorl %ecx, %ecx
  xorl %edx, %edx
  xorl %ebx, %ebx
  xorl %ebp, %ebp
  xorl %esi, %esi
  xorl %edi, %edi
  xorl %r8d, %r8d
  xorl %r9d, %r9d
  xorl %r10d, %r10d
  xorl %r11d, %r11d
  xorl %r12d, %r12d
  xorl %r13d, %r13d
  xorl %r14d, %r14d
  xorl %r15d, %r15d
.endm

#endif
