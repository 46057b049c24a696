// First instructions of an application core. A STARTUP IPI starts it in real mode at the page that trampoline.c
// copied this to; it goes straight to long mode on the entry tables, then to its own page tables.
#include "layout.h"

.section .rodata.trampoline, "a", @progbits
.balign 16
.globl trampoline_start, trampoline_end, trampoline_gdt, trampoline_gdt_register, trampoline_long_mode
.globl trampoline_far_pointer, trampoline_pml4, trampoline_started
.code16
trampoline_start:
  cli
  cld
  movw %cs, %ax
  movw %ax, %ds
  movzwl %ax, %ebx
  shll $4, %ebx // linear address of this page
  lgdtl trampoline_gdt_register - trampoline_start
  movl %cr4, %eax
  orl $CR4_PAE, %eax
  movl %eax, %cr4
  movl $entry_pml4, %eax
  movl %eax, %cr3
  movl $MSR_IA32_EFER, %ecx
  rdmsr
  orl $EFER_LME | EFER_NXE, %eax
  wrmsr
  movl $CR0_PE | CR0_PG | CR0_NE | CR0_WP, %eax // also turns the caches on (CD, NW)
  movl %eax, %cr0
  ljmpl *(trampoline_far_pointer - trampoline_start)

.code64
trampoline_long_mode:
  movabsq $application_entry, %rax
  jmp *%rax

.balign 8
trampoline_gdt:
  .quad 0
  .quad 0x00af9b000000ffff // SELECTOR_CODE: 64-bit code
trampoline_gdt_register: // base set by trampoline.c
  .short . - trampoline_gdt - 1
  .long 0
trampoline_far_pointer: // offset set by trampoline.c
  .long 0
  .short SELECTOR_CODE
.balign 8
trampoline_pml4:
  .quad 0
trampoline_started:
  .long 0
trampoline_end:

.text
// EBX: address of the trampoline page, identity mapped by the entry tables.
application_entry:
  movl %ebx, %ebx
  movq trampoline_pml4 - trampoline_start(%rbx), %rax
  movl $1, trampoline_started - trampoline_start(%rbx)
  movq %rax, %cr3
  movabsq $CORE_MAIN_STACK_TOP, %rsp
  call start_application_core
1:
  cli
  hlt
  jmp 1b
