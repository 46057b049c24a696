# A small Multiboot kernel: it prints its command line on the 16550 and powers its partition off. Build it with
#   clang --target=i386-linux-gnu -nostdlib -static -fuse-ld=lld -Wl,-N,-Ttext=0x100000,-e,start,--build-id=none -o kernel.elf kernel.S

.set MAGIC, 0x1badb002
.set FLAGS, 3 # modules on pages, memory information

.text
.align 4
    .long MAGIC, FLAGS, -(MAGIC + FLAGS)

# EAX = 0x2badb002, EBX = Multiboot information, flat segments, no stack.
.globl start
start:
    mov $stack_top, %esp
    mov $greeting, %esi
    call print
    mov 16(%ebx), %esi
    call print
    mov $line_end, %esi
    call print
    # ACPI: sleep type 5 and sleep enable to PM1a control.
    mov $0x604, %edx
    mov $0x3400, %eax
    out %ax, %dx
stop:
    hlt
    jmp stop

# The text at ESI up to its zero, to the UART.
print:
    mov $0x3f8, %edx
1:  lodsb
    test %al, %al
    jz 2f
    out %al, %dx
    jmp 1b
2:  ret

.data
greeting: .asciz "hello from my own kernel: "
line_end: .asciz "\n"
.bss
.align 16
    .skip 4096
stack_top:
