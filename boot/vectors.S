// First instructions of every interrupt and exception vector, one 16-byte stub each; descriptors.c points the IDT at them.
#include "layout.h"

#define FIRST_INTERRUPT 32
// Vectors that push an error code, SDM 3A table 6-1: 8, 10-14, 17, 21, 29, 30.
#define HAS_ERROR_CODE 0x60227d00

.text
.balign 16
.globl vector_stubs
vector_stubs:
.set vector, 0
.rept 256
  .balign 16
  .if vector == VECTOR_NMI
    jmp nonmaskable_interrupt
  .elseif vector < FIRST_INTERRUPT
    .if ((HAS_ERROR_CODE >> vector) & 1) == 0
      pushq $0
    .endif
    pushq $vector
    jmp exception
  .else
    pushq $vector
    jmp interrupt
  .endif
  .set vector, vector + 1
.endr

// An external interrupt, taken in boot.idle() only: notes the vector. The kernel signals the end of interrupt.
interrupt:
  pushq %rax
  pushq %rcx
  movq 16(%rsp), %rcx
  movabsq $KERNEL_MEMORY + FIXED_PENDING_VECTORS, %rax
  btsq %rcx, (%rax)
  popq %rcx
  popq %rax
  addq $8, %rsp
  iretq

// Counts only: whatever GS points at now, and whatever was interrupted.
nonmaskable_interrupt:
  pushq %rax
  movabsq $KERNEL_MEMORY + FIXED_NMI_COUNT, %rax
  incl (%rax)
  popq %rax
  iretq

// Builds struct exception_frame (traps.c). handle_exception returns to resume what it changed the frame to.
exception:
  pushq %r15
  pushq %r14
  pushq %r13
  pushq %r12
  pushq %r11
  pushq %r10
  pushq %r9
  pushq %r8
  pushq %rdi
  pushq %rsi
  pushq %rbp
  pushq %rsp
  pushq %rbx
  pushq %rdx
  pushq %rcx
  pushq %rax
  cld
  movq %rsp, %rdi
  movq %rsp, %rbp
  andq $-16, %rsp
  call handle_exception
  movq %rbp, %rsp
  popq %rax
  popq %rcx
  popq %rdx
  popq %rbx
  addq $8, %rsp
  popq %rbp
  popq %rsi
  popq %rdi
  popq %r8
  popq %r9
  popq %r10
  popq %r11
  popq %r12
  popq %r13
  popq %r14
  popq %r15
  addq $16, %rsp
  iretq
