// VM entry and exit. The guest's general registers live at Fixed.GuestRegisters of the core's kernel memory,
// which GS points at (HOST_GS_BASE), in encoding order; RSP is in the VMCS.
#include "guest-registers.h"

.text
.balign 16
// HOST_RIP. RSP is the top of the main stack (HOST_RSP), interrupts are off (SDM 3C 28.5.3).
.globl vm_exit
vm_exit:
  take_guest_registers
  call handle_vm_exit

// VMRESUME with the registers as handle_vm_exit (kernel.c) left them.
.globl vm_resume
vm_resume:
  load_guest_registers
  vmresume

// VMLAUNCH or VMRESUME went on to the next instruction: CF is VMfailInvalid, ZF VMfailValid (SDM 3C 31.2).
.globl vm_entry_failed
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
