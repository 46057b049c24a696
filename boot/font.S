// The letters of the screen (console/framebuffer.ts).
.section .rodata.font, "a", @progbits
.globl framebuffer_font
framebuffer_font:
.incbin "console/framebuffer-font.bin"
