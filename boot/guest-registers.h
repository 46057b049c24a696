// The guest's general registers at Fixed.GuestRegisters of the core's kernel memory, which GS points at. For assembly only.
#ifndef BULKHEAD_GUEST_REGISTERS_H
#define BULKHEAD_GUEST_REGISTERS_H

#include "layout.h"

// In encoding order; RSP is in the VMCS.
.macro each_guest_register operation
  \operation 0, %rax
  \operation 1, %rcx
  \operation 2, %rdx
  \operation 3, %rbx
  \operation 5, %rbp
  \operation 6, %rsi
  \operation 7, %rdi
  .irp number, 8, 9, 10, 11, 12, 13, 14, 15
    \operation \number, %r\number
  .endr
.endm

.macro load_register number, register
  movq %gs:FIXED_GUEST_REGISTERS + 8 * \number, \register
.endm

.macro store_register number, register
  movq \register, %gs:FIXED_GUEST_REGISTERS + 8 * \number
.endm

.macro clear_register number, register
  xorq \register, \register
.endm

.macro load_guest_registers
  each_guest_register load_register
.endm

// Ends with all of them clear: no value of the guest's steers the kernel, not even in speculation.
.macro take_guest_registers
  each_guest_register store_register
  each_guest_register clear_register
.endm

#endif
