// From protected mode, or on another core real mode, to long mode. For assembly only.
#ifndef BULKHEAD_LONG_MODE_H
#define BULKHEAD_LONG_MODE_H

#include "layout.h"

#define ENTRY_GDT_LIMIT (3 * 8 - 1)

// On the entry tables, with the control registers that every core keeps. The processor is in compatibility mode, or still
// in real mode's segment, until the far jump that follows. Changes EAX, ECX and EDX.
.macro enable_long_mode
  movl %cr4, %eax
  orl $CR4_PAE | CR4_MCE | CR4_FSGSBASE, %eax
  movl %eax, %cr4
  movl $entry_pml4, %eax
  movl %eax, %cr3
  movl $MSR_IA32_EFER, %ecx
  rdmsr
  orl $EFER_LME | EFER_NXE, %eax
  wrmsr
  movl $CR0_PE | CR0_MP | CR0_ET | CR0_NE | CR0_WP | CR0_PG, %eax // also turns the caches on (CD, NW)
  movl %eax, %cr0
.endm

#endif
