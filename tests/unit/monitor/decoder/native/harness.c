// The oracle of the decoder's tests: executes single instructions on this machine's processor, with all registers,
// the arithmetic flags and the memory operand given, and writes down what became of them.
//
//   harness < trials > results
//
// forms.S, which the test generates, gives the table of instructions.

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#define CODE 0x10000000ul
#define OPERAND 0x10010000ul
#define STATE 0x10020000ul
#define PAGE 4096ul

struct trial {
  uint64_t form;
  uint64_t registers[16];
  uint64_t flags;
  uint64_t offset; // of `bytes` in the operand's page
  uint8_t bytes[64];
};

struct result {
  uint64_t registers[16];
  uint64_t flags;
  uint8_t bytes[64];
};

struct form {
  const uint8_t *start;
  const uint8_t *end;
};

extern const struct form forms[];

// At STATE: registers (0x00), flags (0x80), the harness's own stack pointer (0x88), where the instruction returns to (0x90).
void run(void);
__asm__(
    ".text\n"
    "run: push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n"
    "  mov %rsp, 0x10020088; movq $1f, 0x10020090\n"
    "  pushq 0x10020080; popfq\n"
    "  mov 0x10020000, %rax; mov 0x10020008, %rcx; mov 0x10020010, %rdx; mov 0x10020018, %rbx\n"
    "  mov 0x10020020, %rsp; mov 0x10020028, %rbp; mov 0x10020030, %rsi; mov 0x10020038, %rdi\n"
    "  mov 0x10020040, %r8; mov 0x10020048, %r9; mov 0x10020050, %r10; mov 0x10020058, %r11\n"
    "  mov 0x10020060, %r12; mov 0x10020068, %r13; mov 0x10020070, %r14; mov 0x10020078, %r15\n"
    "  jmp 0x10000000\n"
    "1: mov %rsp, 0x10020020; mov 0x10020088, %rsp; pushfq; popq 0x10020080; cld\n"
    "  mov %rax, 0x10020000; mov %rcx, 0x10020008; mov %rdx, 0x10020010; mov %rbx, 0x10020018\n"
    "  mov %rbp, 0x10020028; mov %rsi, 0x10020030; mov %rdi, 0x10020038\n"
    "  mov %r8, 0x10020040; mov %r9, 0x10020048; mov %r10, 0x10020050; mov %r11, 0x10020058\n"
    "  mov %r12, 0x10020060; mov %r13, 0x10020068; mov %r14, 0x10020070; mov %r15, 0x10020078\n"
    "  pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx; ret\n");

/** jmp *0x10020090 */
static const uint8_t jump_back[] = {0xff, 0x24, 0x25, 0x90, 0x00, 0x02, 0x10};

static int map(uint64_t address, uint64_t size) {
  int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE;
  return mmap((void *)address, size, PROT_READ | PROT_WRITE | PROT_EXEC, flags, -1, 0) == (void *)address;
}

int main(void) {
  if (!map(CODE, PAGE) || !map(OPERAND, 2 * PAGE) || !map(STATE, PAGE)) return 1;
  struct trial trial;
  while (fread(&trial, sizeof trial, 1, stdin) == 1) {
    struct result result;
    const struct form *form = &forms[trial.form];
    size_t length = form->end - form->start;
    memcpy((void *)CODE, form->start, length);
    memcpy((void *)(CODE + length), jump_back, sizeof jump_back);
    memcpy((void *)(OPERAND + trial.offset), trial.bytes, sizeof trial.bytes);
    memcpy((void *)STATE, trial.registers, sizeof trial.registers);
    *(volatile uint64_t *)(STATE + 0x80) = trial.flags;
    run();
    memcpy(result.registers, (void *)STATE, sizeof result.registers);
    result.flags = *(volatile uint64_t *)(STATE + 0x80);
    memcpy(result.bytes, (void *)(OPERAND + trial.offset), sizeof result.bytes);
    if (fwrite(&result, sizeof result, 1, stdout) != 1) return 1;
  }
  return 0;
}
