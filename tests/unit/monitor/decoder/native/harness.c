// The oracle of the decoder's tests: executes single instructions on this machine's processor, with all registers,
// the arithmetic flags, MMX and SSE registers, the segment bases and the memory operand given, and writes down what became of them.
// 16-bit and 32-bit code runs in segments of the local descriptor table, none of which starts at 0.
//
//   harness < trials > results

#include <asm/ldt.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CODE 0x1000f000ul
#define OPERAND 0x10010000ul
#define STATE 0x10020000ul
#define PAGE 4096ul
#define LONG_CODE_SELECTOR 0x33

struct trial {
  uint64_t code_size; // 16, 32 or 64
  uint64_t length;
  uint8_t code[16];
  uint64_t registers[16];
  uint64_t flags;
  uint64_t fs_base, gs_base; // in 64-bit code
  uint64_t offset;           // of `bytes` in the operand's page
  uint8_t bytes[64];
  uint8_t vectors[512]; // as FXRSTOR64 takes them
};

struct result {
  uint64_t registers[16];
  uint64_t flags;
  uint8_t bytes[64];
  uint8_t vectors[512];
};

// At STATE: registers (0x00), flags (0x80), the harness's own stack pointer (0x88), where 64-bit code returns to (0x90),
// where to start (0x98, far), the harness's own FS base (0xa8), FS base and GS base (0xb0, 0xb8), vectors (0x200).
void run_long(void);
void run_compatible(void);
void end_of_run(void);

#define SAVE \
  "  push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n" \
  "  rdfsbase %rax; mov %rax, 0x100200a8; mov %rsp, 0x10020088\n"
#define LOAD \
  "  fxrstor64 0x10020200\n" \
  "  pushq 0x10020080; popfq\n" \
  "  mov 0x10020000, %rax; mov 0x10020008, %rcx; mov 0x10020010, %rdx; mov 0x10020018, %rbx\n" \
  "  mov 0x10020020, %rsp; mov 0x10020028, %rbp; mov 0x10020030, %rsi; mov 0x10020038, %rdi\n" \
  "  mov 0x10020040, %r8; mov 0x10020048, %r9; mov 0x10020050, %r10; mov 0x10020058, %r11\n" \
  "  mov 0x10020060, %r12; mov 0x10020068, %r13; mov 0x10020070, %r14; mov 0x10020078, %r15\n"

// Selectors of the table that load_descriptors() makes: ES 0x17, SS 0x1f, DS 0x27, FS 0x2f, GS 0x37.
__asm__(
    ".text\n"
    "run_long:\n" SAVE
    "  mov 0x100200b0, %rax; wrfsbase %rax; mov 0x100200b8, %rax; wrgsbase %rax\n" LOAD
    "  ljmpl *0x10020098\n"
    "run_compatible:\n" SAVE
    "  mov $0x17, %eax; mov %eax, %es; mov $0x1f, %eax; mov %eax, %ss; mov $0x27, %eax; mov %eax, %ds\n"
    "  mov $0x2f, %eax; mov %eax, %fs; mov $0x37, %eax; mov %eax, %gs\n" LOAD
    "  ljmpl *0x10020098\n"
    "end_of_run:\n"
    "  mov %rsp, 0x10020020; mov 0x10020088, %rsp; mov %rax, 0x10020000; fxsave64 0x10020200\n"
    "  mov $0x2b, %eax; mov %eax, %ss; mov $0, %eax; mov %eax, %ds; mov %eax, %es; mov %eax, %fs; mov %eax, %gs\n"
    "  mov 0x100200a8, %rax; wrfsbase %rax; pushfq; popq 0x10020080; cld\n"
    "  mov %rcx, 0x10020008; mov %rdx, 0x10020010; mov %rbx, 0x10020018\n"
    "  mov %rbp, 0x10020028; mov %rsi, 0x10020030; mov %rdi, 0x10020038\n"
    "  mov %r8, 0x10020040; mov %r9, 0x10020048; mov %r10, 0x10020050; mov %r11, 0x10020058\n"
    "  mov %r12, 0x10020060; mov %r13, 0x10020068; mov %r14, 0x10020070; mov %r15, 0x10020078\n"
    "  pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx; ret\n");

static int map(uint64_t address, uint64_t size) {
  int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE;
  return mmap((void *)address, size, PROT_READ | PROT_WRITE | PROT_EXEC, flags, -1, 0) == (void *)address;
}

/** Bases as in native.ts: SEGMENT_BASES. Entries 0 and 1 are 16-bit and 32-bit code, then ES, SS, DS, FS, GS. */
static int load_descriptors(void) {
  static const uint32_t bases[] = {0x1000e000, 0x1000e000, 0x1000f000, 0x1000bbc0, 0x1000dcc0, 0x1000aaa8, 0x100099a0};
  for (unsigned entry = 0; entry < sizeof bases / sizeof *bases; entry++) {
    struct user_desc descriptor = {.entry_number = entry, .base_addr = bases[entry], .limit = 0xfffff, .limit_in_pages = 1, .useable = 1};
    descriptor.seg_32bit = entry != 0;
    descriptor.contents = entry < 2 ? MODIFY_LDT_CONTENTS_CODE : MODIFY_LDT_CONTENTS_DATA;
    if (syscall(SYS_modify_ldt, 1, &descriptor, sizeof descriptor) != 0) return 0;
  }
  return 1;
}

/** The instruction, and after it a jump back. */
static void write_code(const struct trial *trial) {
  static const uint8_t indirect[] = {0xff, 0x24, 0x25, 0x90, 0x00, 0x02, 0x10};
  uint8_t *code = (uint8_t *)CODE;
  uint32_t back = (uint32_t)(uintptr_t)end_of_run;
  uint16_t selector = LONG_CODE_SELECTOR;
  memcpy(code, trial->code, trial->length);
  code += trial->length;
  if (trial->code_size == 64) {
    memcpy(code, indirect, sizeof indirect);
    return;
  }
  if (trial->code_size == 16) *code++ = 0x66;
  *code++ = 0xea;
  memcpy(code, &back, sizeof back);
  memcpy(code + sizeof back, &selector, sizeof selector);
}

static void write_state(const struct trial *trial) {
  volatile uint64_t *state = (uint64_t *)STATE;
  int is_long = trial->code_size == 64;
  memcpy((void *)STATE, trial->registers, sizeof trial->registers);
  memcpy((void *)(STATE + 0x200), trial->vectors, sizeof trial->vectors);
  state[16] = trial->flags;
  state[18] = (uint64_t)end_of_run;
  *(volatile uint32_t *)(STATE + 0x98) = is_long ? CODE : 0x1000;
  *(volatile uint16_t *)(STATE + 0x9c) = is_long ? LONG_CODE_SELECTOR : trial->code_size == 16 ? 0x07 : 0x0f;
  state[22] = trial->fs_base;
  state[23] = trial->gs_base;
}

int main(void) {
  if (!map(CODE, PAGE) || !map(OPERAND, 2 * PAGE) || !map(STATE, PAGE) || !load_descriptors()) return 1;
  struct trial trial;
  while (fread(&trial, sizeof trial, 1, stdin) == 1) {
    struct result result;
    write_code(&trial);
    write_state(&trial);
    memcpy((void *)(OPERAND + trial.offset), trial.bytes, sizeof trial.bytes);
    if (trial.code_size == 64) run_long();
    else run_compatible();
    memcpy(result.registers, (void *)STATE, sizeof result.registers);
    result.flags = *(volatile uint64_t *)(STATE + 0x80);
    memcpy(result.bytes, (void *)(OPERAND + trial.offset), sizeof result.bytes);
    memcpy(result.vectors, (void *)(STATE + 0x200), sizeof result.vectors);
    if (fwrite(&result, sizeof result, 1, stdout) != 1) return 1;
  }
  return 0;
}
