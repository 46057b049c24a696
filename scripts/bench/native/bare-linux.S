# Starts Linux without Bulkhead, for comparison: turns what a multiboot2 loader hands over into what the PVH boot
# protocol asks for (xen/include/public/arch-x86/hvm/start_info.h). Both enter in 32-bit protected mode without paging.
# scripts/bench/bare-linux.ts fills in the words at `parameters` and appends the command line. The debug console gets
# the time stamp counter at the jump.

        .set    TAG_MEMORY_MAP, 6
        .set    DEBUG_CONSOLE, 0xe9

        .code32
        .globl  _start
        .text
_start:
        cli
        lea     8(%ebx), %esi                   # first tag of the boot information (Multiboot2 3.6)
1:      cmpl    $TAG_MEMORY_MAP, (%esi)
        je      2f
        mov     4(%esi), %eax                   # the next tag begins at a multiple of 8
        add     $7, %eax
        and     $-8, %eax
        add     %eax, %esi
        jmp     1b

# An entry of multiboot2's memory map is laid out as one of PVH's: address, size, type, reserved.
2:      mov     4(%esi), %eax
        sub     $16, %eax
        xor     %edx, %edx
        divl    8(%esi)
        mov     %eax, memory_map_entries
        add     $16, %esi
        mov     %esi, memory_map_address

# "bare Linux starts, TSC 0x" and 16 digits.
        mov     $announcement, %esi
        mov     $announcement_length, %ecx
        mov     $DEBUG_CONSOLE, %edx
        rep outsb
        rdtsc
        mov     %eax, %edi
        mov     %edx, %esi
        mov     $16, %ecx
3:      shld    $4, %esi, %eax
        shld    $4, %edi, %esi
        shl     $4, %edi
        and     $15, %eax
        mov     digits(%eax), %al
        out     %al, $DEBUG_CONSOLE
        loop    3b
        mov     $'\n', %al
        out     %al, $DEBUG_CONSOLE
        mov     $start_info, %ebx
        jmp     *linux_entry

digits: .ascii  "0123456789abcdef"
announcement:
        .ascii  "bare Linux starts, TSC 0x"
        .set    announcement_length, . - announcement

        .balign 8
parameters:
linux_entry:
        .long   0
        .long   0
ram_disk:                                       # one hvm_modlist_entry: address, size, command line, reserved
        .quad   0, 0, 0, 0
start_info:
        .long   0x336ec578, 1, 0, 1             # magic, version, flags, number of modules
        .long   ram_disk, 0
        .long   command_line, 0
        .quad   0                               # RSDP: Linux finds it itself
memory_map_address:
        .quad   0
memory_map_entries:
        .long   0, 0
command_line:
