# First program of the guest: prints the time stamp counter as it stood at its first instruction, then runs the start
# script with the arguments and the environment that it was given.
#
# System calls of Linux for x86-64: number in RAX, arguments in RDI, RSI, RDX; RCX and R11 are clobbered.

        .set    SYS_WRITE, 1
        .set    SYS_EXECVE, 59
        .set    SYS_EXIT, 60
        .set    STDOUT, 1

        .globl  _start
        .text
_start:
        rdtsc
        shl     $32, %rdx
        or      %rdx, %rax

# Digits from the last to the first, ending before the newline.
        lea     newline(%rip), %rdi
        mov     $10, %ecx
1:      xor     %edx, %edx
        div     %rcx
        add     $'0', %dl
        dec     %rdi
        mov     %dl, (%rdi)
        test    %rax, %rax
        jnz     1b

# The text stands left of the digits' field: move it against them.
        lea     text_end(%rip), %rsi
        mov     $text_length, %ecx
2:      dec     %rsi
        dec     %rdi
        mov     (%rsi), %al
        mov     %al, (%rdi)
        dec     %ecx
        jnz     2b

        mov     %rdi, %rsi
        lea     newline + 1(%rip), %rdx
        sub     %rsi, %rdx
        mov     $STDOUT, %edi
        mov     $SYS_WRITE, %eax
        syscall

# execve("/etc/start", argv, envp): at entry argc, argv, 0, envp lie on the stack (System V ABI 3.4.1).
        mov     (%rsp), %rcx
        lea     8(%rsp), %rsi
        lea     8(%rsi, %rcx, 8), %rdx
        lea     start_script(%rip), %rdi
        mov     $SYS_EXECVE, %eax
        syscall

        mov     $1, %edi
        mov     $SYS_EXIT, %eax
        syscall

        .section .rodata
start_script:
        .asciz  "/etc/start"
text:   .ascii  "bulkhead: init reached, ticks "
        .set    text_length, . - text
text_end:

        .data
        .fill   64, 1, 0
newline:
        .byte   '\n'
