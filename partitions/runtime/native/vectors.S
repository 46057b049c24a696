# One entry point for each of the 256 vectors, 16 bytes apart; each calls interrupt() with the frame of interrupts.h.

# Vectors whose exceptions push an error code: #DF #TS #NP #SS #GP #PF #AC #CP #VC #SX (SDM 3A 6.13).
        .set    WITH_ERROR_CODE, 1 << 8 | 1 << 10 | 1 << 11 | 1 << 12 | 1 << 13 | 1 << 14 | 1 << 17 | 1 << 21 | 1 << 29 | 1 << 30

        .text
        .balign 16
        .globl  vectors
vectors:
        .set    vector, 0
        .rept   256
        .balign 16
        .if     vector >= 32 || !(WITH_ERROR_CODE >> vector & 1)
        push    $0
        .endif
        push    $vector
        jmp     enter
        .set    vector, vector + 1
        .endr

enter:
        push    %r15
        push    %r14
        push    %r13
        push    %r12
        push    %r11
        push    %r10
        push    %r9
        push    %r8
        push    %rdi
        push    %rsi
        push    %rbp
        push    %rbx
        push    %rdx
        push    %rcx
        push    %rax
        cld
        mov     %rsp, %rdi
        mov     %rsp, %rbx
        and     $-16, %rsp
        call    interrupt
        mov     %rbx, %rsp
        pop     %rax
        pop     %rcx
        pop     %rdx
        pop     %rbx
        pop     %rbp
        pop     %rsi
        pop     %rdi
        pop     %r8
        pop     %r9
        pop     %r10
        pop     %r11
        pop     %r12
        pop     %r13
        pop     %r14
        pop     %r15
        add     $16, %rsp
        iretq
