// First instructions of an application core. A STARTUP IPI starts it in real mode at the page that kernel/boot/cores.ts
// copied this to; it goes straight to long mode on the entry tables, which map this page too, then to its own tables.
#include "long-mode.h"

.section .rodata.trampoline, "a", @progbits
.balign 16
.globl trampoline_start, trampoline_end
.code16
trampoline_start:
  jmp 1f
.org TRAMPOLINE_PML4
  .quad 0
.org TRAMPOLINE_STARTED
  .long 0
1:
  cli
  cld
  movw %cs, %ax
  movw %ax, %ds
  movzwl %ax, %ebx
  shll $4, %ebx // linear address of this page
  lgdtl gdt_register - trampoline_start
  enable_long_mode
  ljmpl $SELECTOR_CODE, $application_long_mode
gdt_register:
  .short ENTRY_GDT_LIMIT
  .long entry_gdt
trampoline_end:

.section .boot, "ax", @progbits
.code64
application_long_mode:
  movabsq $application_entry, %rax
  jmp *%rax

.text
application_entry:
  movl %ebx, %ebx
  movq TRAMPOLINE_PML4(%rbx), %rax
  movl $1, TRAMPOLINE_STARTED(%rbx)
  movq %rax, %cr3
  movabsq $CORE_MAIN_STACK_TOP, %rsp
  call start_application_core
1:
  cli
  hlt
  jmp 1b
