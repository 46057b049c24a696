# Macros of the two ways into long mode: the first processor's (entry.S) and the others' (processors.S).

        .set    CR0_PE_WP_PG, 0x80010001
        .set    CR4_PAE, 0x20
        .set    MSR_EFER, 0xc0000080
        .set    EFER_LME_NXE, 0x900
        .set    MSR_GS_BASE, 0xc0000101

# Switches paging on with the tables at pml4; a far jump to 64-bit code has to follow.
.macro enable_long_mode
        mov     $CR4_PAE, %eax
        mov     %eax, %cr4
        mov     $pml4, %eax
        mov     %eax, %cr3
        mov     $MSR_EFER, %ecx
        mov     $EFER_LME_NXE, %eax
        xor     %edx, %edx
        wrmsr
        mov     $CR0_PE_WP_PG, %eax
        mov     %eax, %cr0
.endm

# Data segments, with GS at the linear memory.
.macro load_segments
        mov     $DATA_SELECTOR, %eax
        mov     %eax, %ds
        mov     %eax, %es
        mov     %eax, %ss
        xor     %eax, %eax
        mov     %eax, %fs
        mov     %eax, %gs
        mov     $MSR_GS_BASE, %ecx
        mov     $(LINEAR_MEMORY & 0xffffffff), %eax
        mov     $(LINEAR_MEMORY >> 32), %edx
        wrmsr
.endm
