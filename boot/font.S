// The letters of the screen (drivers/framebuffer.ts).
.section .rodata.font, "a", @progbits
.globl framebuffer_font
framebuffer_font:
.incbin "drivers/framebuffer-font.bin"
