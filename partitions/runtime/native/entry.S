# Entry of a partition by the PVH boot protocol: 32-bit protected mode without paging, EBX holds the physical address
# of hvm_start_info (xen/include/public/arch-x86/hvm/start_info.h). Builds page tables and enters long mode.

#include "layout.h"
#include "long-mode.h"

        .set    XEN_ELFNOTE_PHYS32_ENTRY, 18

        .set    PAGE_PRESENT_WRITE, 0x03
        .set    PAGE_PRESENT_WRITE_LARGE, 0x83

        .section .note, "a", @note
        .balign 4
        .long   4, 4, XEN_ELFNOTE_PHYS32_ENTRY
        .asciz  "Xen"
        .long   pvh_entry

        .text
        .code32
        .globl  pvh_entry
pvh_entry:
        cld
        mov     $stack_end, %esp
        mov     %ebx, %ebp

# Identity map: entry n of the page directories maps n * 2 MiB.
        xor     %ecx, %ecx
1:      mov     %ecx, %eax
        shl     $21, %eax
        or      $PAGE_PRESENT_WRITE_LARGE, %eax
        mov     %ecx, %edx
        shr     $11, %edx
        mov     %eax, identity_directories(, %ecx, 8)
        mov     %edx, identity_directories + 4(, %ecx, 8)
        inc     %ecx
        cmp     $(IDENTITY_GIB * 512), %ecx
        jb      1b

        mov     $identity_directories + PAGE_PRESENT_WRITE, %eax
        xor     %ecx, %ecx
2:      mov     %eax, identity_pointers(, %ecx, 8)
        add     $PAGE_SIZE, %eax
        inc     %ecx
        cmp     $IDENTITY_GIB, %ecx
        jb      2b

# Linear memory in 4 KiB pages.
        mov     $linear_memory + PAGE_PRESENT_WRITE, %eax
        xor     %ecx, %ecx
3:      mov     %eax, linear_table(, %ecx, 8)
        add     $PAGE_SIZE, %eax
        inc     %ecx
        cmp     $LINEAR_MEMORY_PAGES, %ecx
        jb      3b

        movl    $linear_table + PAGE_PRESENT_WRITE, linear_directory
        movl    $linear_directory + PAGE_PRESENT_WRITE, linear_pointers
        movl    $linear_pointers + PAGE_PRESENT_WRITE, pml4 + LINEAR_MEMORY_PML4_INDEX * 8
        movl    $identity_pointers + PAGE_PRESENT_WRITE, pml4

        enable_long_mode
        lgdt    gdt_pointer
        ljmp    $CODE_SELECTOR, $long_mode

        .code64
long_mode:
        load_segments
        mov     $stack_end, %esp
        mov     %ebp, %edi
        xor     %ebp, %ebp
        call    start

        .section .rodata
        .balign 8
        .globl  gdt, pml4
gdt:    .quad   0
        .quad   0x00af9b000000ffff      # 64-bit code, present, accessed
        .quad   0x00cf93000000ffff      # data, present, accessed
gdt_pointer:
        .word   GDT_SIZE - 1
        .long   gdt

        .bss
        .balign PAGE_SIZE
pml4:                   .skip PAGE_SIZE
identity_pointers:      .skip PAGE_SIZE
identity_directories:   .skip PAGE_SIZE * IDENTITY_GIB
linear_pointers:        .skip PAGE_SIZE
linear_directory:       .skip PAGE_SIZE
linear_table:           .skip PAGE_SIZE
linear_memory:          .skip PAGE_SIZE * LINEAR_MEMORY_PAGES
stack:                  .skip STACK_SIZE
stack_end:
