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

// An external interrupt, taken in boot.idle() and boot.admitInterrupts() only: notes the vector. The kernel signals the end of interrupt.
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

// Builds struct trap_frame (traps.c). handle_exception returns to resume what it changed the frame to.
exception:
  .irp register, r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rsp, rbx, rdx, rcx, rax
    pushq %\register
  .endr
  movq %cr2, %rax
  pushq %rax
  movq %cr3, %rax
  pushq %rax
  cld
  movq %rsp, %rdi
  movq %rsp, %rbp
  andq $-16, %rsp
  call handle_exception
  leaq 16(%rbp), %rsp
  .irp register, rax, rcx, rdx, rbx
    popq %\register
  .endr
  addq $8, %rsp // its own value
  .irp register, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15
    popq %\register
  .endr
  addq $16, %rsp // vector and error code
  iretq
