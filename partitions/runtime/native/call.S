# try_call(RDI: address) calls an address that may be no code. A fault there comes back to call_landing with its
# vector in RAX; a return without one gives 0.

        .text
        .globl  try_call, call_landing
try_call:
        push    %rbx
        push    %rbp
        push    %r12
        push    %r13
        push    %r14
        push    %r15
        mov     %rsp, call_stack
        call    *%rdi
        xor     %eax, %eax
call_landing:
        movq    $0, call_stack
        pop     %r15
        pop     %r14
        pop     %r13
        pop     %r12
        pop     %rbp
        pop     %rbx
        ret

        .bss
        .balign 8
        .globl  call_stack
call_stack:
        .skip   8
