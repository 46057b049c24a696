// Option ROM for Bochs: starts the kernel from the RAM image that scripts/emulator/blob.ts makes, in place of a
// boot loader (docs/emulators.md). Bochs fills 128 KiB blocks of RAM with the file's blocks in the order in which
// they are touched first: touch unused blocks until the file's header appears in one, then touch the destination
// of each block that follows the header. Then complete the multiboot2 information and jump to the kernel.
//
//   header block   0  magic                       8  entry point of the kernel (u32)
//                 12  number of blocks (u32)     16  offset of the multiboot2 information in the header block (u32)
//                 20  its length so far (u32)    24  physical addresses of the blocks (u32 each)

#define BLOCK_SIZE 0x20000
#define SEARCH_START 0xa00000 // between the kernel image and the modules
#define SEARCH_END 0x1000000
#define MAGIC_LOW 0x48444b42 // "BKDHBLOB"
#define MAGIC_HIGH 0x424f4c42

#define HEADER_ENTRY 8
#define HEADER_BLOCKS 12
#define HEADER_INFORMATION 16
#define HEADER_LENGTH 20
#define HEADER_ADDRESSES 24

#define E820_BUFFER 0x8000
#define E820_SIGNATURE 0x534d4150 // "SMAP"
#define MEMORY_ENTRY_SIZE 24

#define TAG_MEMORY_MAP 6
#define TAG_RSDP_OLD 14
#define TAG_RSDP_NEW 15
#define RSDP_LOW 0x20445352 // "RSD PTR "
#define RSDP_HIGH 0x20525450
#define RSDP_OLD_SIZE 20
#define RSDP_REVISION 15
#define RSDP_LENGTH 20

#define ROM_SEGMENT 0xd000

.section .text, "ax", @progbits
.code16
rom_start:
  .byte 0x55, 0xaa
  .byte (rom_end - rom_start) / 512 // option-rom.ts sets the last byte so that all add up to 0
  xorw %ax, %ax
  movw %ax, %ds
  movw %ax, %es
  xorl %ebx, %ebx
  movl $E820_BUFFER, %edi
1:
  movl $0, 20(%edi)
  movl $0xe820, %eax
  movl $20, %ecx
  movl $E820_SIGNATURE, %edx
  int $0x15
  jc 2f
  addl $MEMORY_ENTRY_SIZE, %edi
  testl %ebx, %ebx
  jnz 1b
2:
  cli
  cld
  inb $0x92, %al // A20
  orb $2, %al
  outb %al, $0x92
  movw $ROM_SEGMENT, %ax
  movw %ax, %ds
  lgdtl gdt_register - rom_start
  movl %cr0, %eax
  orl $1, %eax
  movl %eax, %cr0
  ljmpl $8, $protected_mode

.code32
protected_mode: // EDI: end of the memory map in the buffer
  movl $16, %eax
  movl %eax, %ds
  movl %eax, %es
  movl %eax, %ss
  movl $0x7c00, %esp
  movl %edi, %ebp
  movl $SEARCH_START, %edi
search:
  cmpl $MAGIC_LOW, (%edi)
  jne 1f
  cmpl $MAGIC_HIGH, 4(%edi)
  je found
1:
  addl $BLOCK_SIZE, %edi
  cmpl $SEARCH_END, %edi
  jb search
  movl $no_header, %esi
2:
  lodsb
  outb %al, $0xe9
  testb %al, %al
  jnz 2b
3:
  hlt
  jmp 3b

found:
  movl HEADER_BLOCKS(%edi), %ecx
  leal HEADER_ADDRESSES(%edi), %esi
1:
  lodsl
  testb $0, (%eax)
  loop 1b

  movl %edi, %edx
  movl HEADER_INFORMATION(%edx), %ebx
  addl %edx, %ebx
  movl HEADER_LENGTH(%edx), %edi
  addl %ebx, %edi
  call add_memory_map
  call add_rsdp
  xorl %eax, %eax // end tag: type 0, size 8
  stosl
  movl $8, %eax
  stosl
  subl %ebx, %edi
  movl %edi, (%ebx)
  movl $0x36d76289, %eax
  jmp *HEADER_ENTRY(%edx)

// Appends the tag at EDI from the buffer that ends at EBP.
add_memory_map:
  movl $TAG_MEMORY_MAP, %eax
  stosl
  leal 16 - E820_BUFFER(%ebp), %eax
  stosl
  movl $MEMORY_ENTRY_SIZE, %eax
  stosl
  xorl %eax, %eax
  stosl
  movl $E820_BUFFER, %esi
  movl %ebp, %ecx
  subl %esi, %ecx
  rep movsb
  ret

// Appends the tag at EDI if the BIOS area holds an RSDP.
add_rsdp:
  movl $0xe0000, %esi
1:
  cmpl $RSDP_LOW, (%esi)
  jne 2f
  cmpl $RSDP_HIGH, 4(%esi)
  je 3f
2:
  addl $16, %esi
  cmpl $0x100000, %esi
  jb 1b
  ret
3:
  movl $TAG_RSDP_OLD, %eax
  movl $RSDP_OLD_SIZE, %ecx
  cmpb $2, RSDP_REVISION(%esi)
  jb 4f
  movl $TAG_RSDP_NEW, %eax
  movl RSDP_LENGTH(%esi), %ecx
4:
  stosl
  leal 8(%ecx), %eax
  stosl
  rep movsb
  addl $7, %edi
  andl $-8, %edi
  ret

no_header:
  .asciz "option ROM: the RAM image's header is in none of the blocks from 10 to 16 MiB\n"

.balign 8
gdt:
  .quad 0
  .quad 0x00cf9b000000ffff
  .quad 0x00cf93000000ffff
gdt_register:
  .short . - gdt - 1
  .long gdt

.byte 0 // leaves room for the checksum
.balign 512
rom_end:
