// VM entry and exit. The guest's general registers live at Fixed.GuestRegisters of the core's kernel memory,
// which GS points at (HOST_GS_BASE), in encoding order; RSP is in the VMCS.
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

.text
.balign 16
// HOST_RIP. RSP is the top of the main stack (HOST_RSP), interrupts are off (SDM 3C 28.5.3).
.globl vm_exit
vm_exit:
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
  // No value of the guest's steers the kernel, not even in speculation.
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
  call handle_vm_exit

// VMRESUME with the registers as handle_vm_exit (kernel.c) left them.
.globl vm_resume
vm_resume:
  load_guest_registers
  vmresume
  jmp vm_entry_failed

// boot.enterGuest(): does not return.
.globl vm_launch
vm_launch:
  load_guest_registers
  vmlaunch

// VMLAUNCH or VMRESUME went on to the next instruction: CF is VMfailInvalid, ZF VMfailValid (SDM 3C 31.2).
vm_entry_failed:
  movl $2, %esi
  movl $1, %eax
  cmovcl %eax, %esi
  movabsq $KERNEL_INSTANCE, %rdi
  movabsq $CORE_MAIN_STACK_TOP, %rsp
  call w2c_kernel_entryFailed
1:
  cli
  hlt
  jmp 1b
