// Entries of the boot core: multiboot2 (Multiboot2 3.3) and PVH hand over in 32-bit protected mode without paging.
// Goes to long mode on the entry tables and on to start.c. Application cores use the same entry tables.
#include "long-mode.h"

#define MULTIBOOT2_HEADER_MAGIC 0xe85250d6
#define PAGE_PRESENT_WRITABLE 0x3
#define PAGE_LARGE 0x80

.section .multiboot2, "a", @progbits
.balign 8
header:
  .long MULTIBOOT2_HEADER_MAGIC, 0, header_end - header
  .long -(MULTIBOOT2_HEADER_MAGIC + header_end - header)
  .short 6, 0 // modules start on page boundaries
  .long 8
  .short 0, 0 // end
  .long 8
header_end:

// XEN_ELFNOTE_PHYS32_ENTRY: where QEMU's -kernel enters, with the address of the start information in EBX.
.section .note.pvh, "a", @note
.balign 4
  .long 4, 4, 18
  .asciz "Xen"
  .long entry_pvh

// Says that the bit is missing in the register that CPUID leaves, or that there is no such leaf, and counts it in EDI.
.macro require leaf, register, bit, message
  movl $\leaf & 0x80000000, %eax
  cpuid
  cmpl $\leaf, %eax
  jb 1f
  movl $\leaf, %eax
  xorl %ecx, %ecx
  cpuid
  btl $\bit, %\register
  jc 2f
1:
  movl $\message, %esi
  call say
  incl %edi
2:
.endm

.section .boot, "ax", @progbits
.code32
.globl entry_pvh
entry_pvh:
  movl (%ebx), %eax
.globl entry32
entry32:
  cli
  cld
  movl $early_stack_end - IMAGE_BASE, %esp
  movl %eax, %edi
  call set_up_com1
  cmpl $MULTIBOOT2_BOOT_MAGIC, %edi
  je 1f
  cmpl $PVH_START_MAGIC, %edi
  je 1f
  movl $no_multiboot2, %esi
  call say
  jmp stop_here
1:
  movl %ebx, %ebp

  xorl %edi, %edi // number of missing features
  require 0x80000001, edx, 29, no_long_mode
  require 0x80000001, edx, 20, no_execute_disable
  require 7, ebx, 0, no_fsgsbase
  testl %edi, %edi
  jnz stop_here
  enable_long_mode
  lgdt entry_gdt_register
  ljmp $SELECTOR_CODE, $entry_long_mode

// 115200 baud, 8 data bits, no parity, one stop bit, no interrupts: messages of the floor and of a kernel that fails
// early come out right. A machine without COM1 ignores it.
set_up_com1:
  movl $uart_settings, %esi
1:
  movzbl (%esi), %edx
  addl $PORT_COM1, %edx
  movb 1(%esi), %al
  outb %al, %dx
  addl $2, %esi
  cmpl $uart_settings_end, %esi
  jb 1b
  ret

// Writes the zero-ended text at ESI to port 0xe9 and COM1.
say:
  lodsb
  testb %al, %al
  jz 3f
  outb %al, $PORT_DEBUG_CONSOLE
  movb %al, %bl
  movl $0x10000, %ecx // bounded: a machine without COM1 reads ones, a stuck one is given up
  movw $PORT_COM1 + 5, %dx
1:
  inb %dx, %al
  testb $0x20, %al
  jnz 2f
  loop 1b
2:
  movb %bl, %al
  movw $PORT_COM1, %dx
  outb %al, %dx
  jmp say
3:
  ret

stop_here:
  cli
  hlt
  jmp stop_here

uart_settings: // register, value
  .byte 1, 0x00 // no interrupts
  .byte 3, 0x80 // divisor latch
  .byte 0, 0x01
  .byte 1, 0x00
  .byte 3, 0x03 // 8 bits
  .byte 2, 0x07 // FIFOs on and empty
  .byte 4, 0x03 // DTR, RTS
uart_settings_end:
no_multiboot2:
  .asciz "[bulkhead] fatal: not started by a multiboot2 or PVH loader\r\n"
no_long_mode:
  .asciz "[bulkhead] fatal: this processor has no 64-bit mode (CPUID 80000001h EDX bit 29)\r\n"
no_execute_disable:
  .asciz "[bulkhead] fatal: this processor lacks NX (CPUID 80000001h EDX bit 20)\r\n"
no_fsgsbase:
  .asciz "[bulkhead] fatal: this processor lacks FSGSBASE (CPUID 7 EBX bit 0)\r\n"

.balign 8
.globl entry_gdt
entry_gdt:
  .quad 0
  .quad 0x00af9b000000ffff // SELECTOR_CODE: 64-bit code
  .quad 0x00cf93000000ffff // SELECTOR_DATA
entry_gdt_register:
  .short ENTRY_GDT_LIMIT
  .long entry_gdt

.code64
entry_long_mode:
  movw $SELECTOR_DATA, %ax
  movw %ax, %ds
  movw %ax, %es
  movw %ax, %ss
  movabsq $entry64, %rax
  jmp *%rax

// Identity and the image at IMAGE_BASE, both the first GiB in 2 MiB pages.
.section .boot.tables, "a", @progbits
.balign PAGE_SIZE
.globl entry_pml4
entry_pml4:
  .quad entry_pdpt_low + PAGE_PRESENT_WRITABLE
  .fill 510, 8, 0
  .quad entry_pdpt_high + PAGE_PRESENT_WRITABLE
entry_pdpt_low:
  .quad entry_directory + PAGE_PRESENT_WRITABLE
  .fill 511, 8, 0
entry_pdpt_high:
  .fill 510, 8, 0
  .quad entry_directory + PAGE_PRESENT_WRITABLE, 0
entry_directory:
.set page, 0
.rept 512
  .quad page * 0x200000 + PAGE_LARGE + PAGE_PRESENT_WRITABLE
  .set page, page + 1
.endr

.text
entry64:
  movq $core_block + CORE_PAGE_MAIN_STACK_END * PAGE_SIZE, %rsp
  movl %ebp, %edi
  call prepare_boot_core
  movq %rax, %cr3
  movabsq $CORE_MAIN_STACK_TOP, %rsp
  call start_boot_core
1:
  cli
  hlt
  jmp 1b

.bss
early_stack:
  .skip 256
early_stack_end:
