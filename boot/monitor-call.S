// Calls from the kernel into the monitor of this core's partition: the kernel's import w2c_monitor_X calls the monitor's
// export w2c_sandbox_X, with GS on the monitor's memory; and from kernel and planner into the console, by the same pattern.
// The callee-saved registers go on the stack only for a call that a fault cuts short: traps.c then resumes at
// monitor_unwind with RSP as CoreData.MonitorStack has it, and it returns 0.
#include "layout.h"

.macro begin_monitor_call
  .irp register, rbx, rbp, r12, r13, r14, r15
    pushq %\register
  .endr
  movabsq $CORE_DATA_BASE, %rax
  movq %rsp, CORE_DATA_MONITOR_STACK(%rax)
  movl $0, CORE_DATA_MONITOR_FAULTED(%rax)
  movl $SANDBOX_MONITOR, CORE_DATA_MONITOR_ACTIVE(%rax)
  movabsq $MONITOR_MEMORY, %rax
  wrgsbaseq %rax
.endm

// RAX is the result: only RCX and RDX are used.
.macro end_monitor_call
  movabsq $KERNEL_MEMORY, %rcx
  wrgsbaseq %rcx
  movabsq $CORE_DATA_BASE, %rcx
  movl $0, CORE_DATA_MONITOR_ACTIVE(%rcx)
.endm

// `seventh` is the place of the seventh parameter, counting the instance: the first six are in registers. Without one
// anything is pushed, so that RSP is a multiple of 16 at the call.
.macro monitor_call name, target, seventh=%rax
.globl w2c_monitor_\name
w2c_monitor_\name:
  begin_monitor_call
  pushq \seventh
  call \target
  end_monitor_call
  addq $56, %rsp
  ret
.endm

.text
monitor_call instantiate, instantiate_monitor
.irp name, start, portRead, portWrite, msrRead, msrWrite, cpuid, memoryAccess, taskSwitch, taskPriorityRead, \
    taskPriorityWrite, acknowledge, acknowledgeNmi, interruptStatus, apicWrite, apicEndOfInterrupt, timer, input, deviceMessage
  monitor_call \name, w2c_sandbox_\name
.endr
monitor_call portString, w2c_sandbox_portString, 56(%rsp)

.globl monitor_unwind
monitor_unwind:
  end_monitor_call
  xorl %eax, %eax
  .irp register, r15, r14, r13, r12, rbp, rbx
    popq %\register
  .endr
  ret

// The caller's GS base lies on top of the registers. A console that has faulted is not called again.
.macro console_call name
.globl w2c_console_\name
w2c_console_\name:
  movabsq $CORE_DATA_BASE, %rax
  cmpl $0, CORE_DATA_CONSOLE_FAULTED(%rax)
  jne console_ended
  .irp register, rbx, rbp, r12, r13, r14, r15
    pushq %\register
  .endr
  rdgsbaseq %r10
  pushq %r10
  movq %rsp, CORE_DATA_MONITOR_STACK(%rax)
  movl $SANDBOX_CONSOLE, CORE_DATA_MONITOR_ACTIVE(%rax)
  movabsq $CONSOLE_MEMORY, %rax
  wrgsbaseq %rax
  movabsq $CONSOLE_INSTANCE, %rdi
  call w2c_terminal_\name
  jmp console_return
.endm

.irp name, open, placeScreen, closeScreen, put, flush, beginFatal, attach, register, giveKeyboard, startInput, \
    putPartition, interrupt, drain, drainCompletely, withdraw
  console_call \name
.endr

console_ended:
  xorl %eax, %eax
  ret

.globl console_unwind
console_unwind:
  xorl %eax, %eax
console_return:
  movabsq $CORE_DATA_BASE, %rcx
  movl $SANDBOX_NONE, CORE_DATA_MONITOR_ACTIVE(%rcx)
  popq %rcx
  wrgsbaseq %rcx
  .irp register, r15, r14, r13, r12, rbp, rbx
    popq %\register
  .endr
  ret
