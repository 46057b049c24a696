// VM exit and entry with the sequences against speculation that Fixed.Mitigations asks for. Only processors that need
// one come here by HOST_RIP at an exit, and by NextEntry.GuardedResume at an entry; a VMLAUNCH always does.
#include "guest-registers.h"

#define SPEC_CTRL_IBRS 1
#define FLUSH_CMD_L1D 1
#define RSB_ENTRIES 32

// Speculation that follows the guest's prediction of a RET stops here.
.macro capture_speculation
1:
  pause
  lfence
  jmp 1b
.endm

.text
.balign 16
// As vm_exit; no RET and no indirect branch comes before the sequences are done.
.globl vm_exit_guarded
vm_exit_guarded:
  take_guest_registers
  testl $MITIGATION_RSB_STUFFING, %gs:FIXED_MITIGATIONS
  jz 3f
  .rept RSB_ENTRIES
  call 2f
  capture_speculation
2:
  .endr
  addq $8 * RSB_ENTRIES, %rsp
3:
  testl $MITIGATION_RSB_BARRIER, %gs:FIXED_MITIGATIONS
  jz 3f
  call 2f
  capture_speculation
2:
  addq $8, %rsp
3:
  testl $MITIGATION_IBRS, %gs:FIXED_MITIGATIONS
  jz 3f
  movl %gs:FIXED_SPEC_CTRL, %eax
  movl $MSR_IA32_SPEC_CTRL, %ecx
  wrmsr
  xorl %eax, %eax
  xorl %ecx, %ecx
3:
  // Ends speculation past the tests above and past the calls.
  lfence
  call handle_vm_exit

.macro guard_entry
  testl $MITIGATION_IBRS, %gs:FIXED_MITIGATIONS
  jz 3f
  movl %gs:FIXED_SPEC_CTRL, %eax
  andl $~SPEC_CTRL_IBRS, %eax
  xorl %edx, %edx
  movl $MSR_IA32_SPEC_CTRL, %ecx
  wrmsr
3:
  testl $MITIGATION_L1D_FLUSH, %gs:FIXED_MITIGATIONS
  jz 3f
  movl $FLUSH_CMD_L1D, %eax
  xorl %edx, %edx
  movl $MSR_IA32_FLUSH_CMD, %ecx
  wrmsr
3:
  testl $MITIGATION_VERW, %gs:FIXED_MITIGATIONS
  jz 3f
  verw verw_selector(%rip)
3:
.endm

// The registers that follow are the guest's own, so the sequences stand before them.
.globl vm_resume_guarded
vm_resume_guarded:
  guard_entry
  load_guest_registers
  vmresume
  jmp vm_entry_failed

// boot.enterGuest(): does not return.
.globl vm_launch
vm_launch:
  guard_entry
  load_guest_registers
  vmlaunch
  jmp vm_entry_failed

.section .rodata
// VERW clears the buffers only where its operand is a writable data segment.
verw_selector:
  .short SELECTOR_DATA
