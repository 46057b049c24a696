# The way of a further processor from its SIPI, in real mode at TRAMPOLINE, to processor_started() in long mode.

#include "layout.h"
#include "long-mode.h"

        .section .rodata
        .globl  trampoline, trampoline_end
        .code16
trampoline:
        cli
        xor     %ax, %ax
        mov     %ax, %ds
        lgdtl   TRAMPOLINE + trampoline_gdt - trampoline
        enable_long_mode
        ljmpl   $CODE_SELECTOR, $processor_long_mode
trampoline_gdt:
        .word   GDT_SIZE - 1
        .long   gdt
trampoline_end:

        .text
        .code64
processor_long_mode:
        load_segments
# A stack for each APIC identifier.
        mov     $1, %eax
        cpuid
        shr     $24, %ebx
        and     $(PROCESSORS - 1), %ebx
        mov     %ebx, %edi
        inc     %ebx
        imul    $STACK_SIZE, %ebx, %esp
        add     $processor_stacks, %rsp
        xor     %ebp, %ebp
        call    processor_started

# Vector of the interrupts that measure_ipi() sends: leaves the time of its first instruction.
        .globl  ipi_arrived, ipi_arrival
ipi_arrived:
        push    %rax
        push    %rdx
        push    %rcx
        rdtsc
        shl     $32, %rdx
        or      %rdx, %rax
        mov     %rax, ipi_arrival
        mov     $0x80b, %ecx                    # x2APIC EOI
        xor     %eax, %eax
        xor     %edx, %edx
        wrmsr
        pop     %rcx
        pop     %rdx
        pop     %rax
        iretq

        .bss
        .balign 16
processor_stacks:       .skip STACK_SIZE * PROCESSORS
ipi_arrival:            .skip 8
