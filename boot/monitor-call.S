// Calls from the kernel into the monitor of this core's partition: the kernel's import w2c_monitor_X calls the monitor's
// export w2c_sandbox_X, with GS on the monitor's memory. The callee-saved registers go on the stack only for a call that
// a fault cuts short: traps.c then resumes at monitor_unwind with RSP as CoreData.MonitorStack has it, and it returns 0.
#include "layout.h"

.macro begin_monitor_call
  .irp register, rbx, rbp, r12, r13, r14, r15
    pushq %\register
  .endr
  movabsq $CORE_DATA_BASE, %rax
  movq %rsp, CORE_DATA_MONITOR_STACK(%rax)
  movl $0, CORE_DATA_MONITOR_FAULTED(%rax)
  movl $1, CORE_DATA_MONITOR_ACTIVE(%rax)
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
.irp name, start, portRead, portWrite, msrRead, msrWrite, cpuid, memoryAccess, taskSwitch, taskPriorityRead, taskPriorityWrite, acknowledge, acknowledgeNmi, interruptStatus, apicWrite, apicEndOfInterrupt, timer, input, deviceMessage
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
