// Calls from the kernel into the monitor of this core's partition: GS moves to the monitor's memory and back.
// The callee-saved registers go on the stack only for a call that a fault cuts short: traps.c then resumes at
// monitor_unwind with RSP as CoreData.MonitorStack has it, and the call returns 0.
#include "layout.h"

.macro begin_monitor_call
  pushq %rbx
  pushq %rbp
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
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

// Up to five parameters beside the instance: all in registers, which the caller has set already.
.macro monitor_call name, target
.globl monitor_call_\name
monitor_call_\name:
  begin_monitor_call
  pushq %rax // keeps RSP a multiple of 16 at the call
  call \target
  end_monitor_call
  addq $56, %rsp
  ret
.endm

// Six parameters: the last one is on the stack.
.macro monitor_call_6 name, target
.globl monitor_call_\name
monitor_call_\name:
  begin_monitor_call
  pushq 56(%rsp)
  call \target
  end_monitor_call
  addq $56, %rsp
  ret
.endm

.text
monitor_call instantiate, instantiate_monitor
monitor_call start, w2c_monitor_start
monitor_call portRead, w2c_monitor_portRead
monitor_call portWrite, w2c_monitor_portWrite
monitor_call_6 portString, w2c_monitor_portString
monitor_call msrRead, w2c_monitor_msrRead
monitor_call msrWrite, w2c_monitor_msrWrite
monitor_call memoryAccess, w2c_monitor_memoryAccess
monitor_call taskPriorityRead, w2c_monitor_taskPriorityRead
monitor_call taskPriorityWrite, w2c_monitor_taskPriorityWrite
monitor_call acknowledge, w2c_monitor_acknowledge
monitor_call acknowledgeNmi, w2c_monitor_acknowledgeNmi
monitor_call timer, w2c_monitor_timer
monitor_call input, w2c_monitor_input
monitor_call deviceMessage, w2c_monitor_deviceMessage

.globl monitor_unwind
monitor_unwind:
  end_monitor_call
  xorl %eax, %eax
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbp
  popq %rbx
  ret
