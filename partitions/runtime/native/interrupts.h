// Interrupts are open only while the partition waits for one; exceptions are expected only where a fixup says so.
#ifndef BULKHEAD_PARTITION_INTERRUPTS_H
#define BULKHEAD_PARTITION_INTERRUPTS_H

#include <stdint.h>

/** What vectors.S pushes, lowest address first. */
struct interrupt_frame {
  uint64_t rax, rcx, rdx, rbx, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15;
  uint64_t vector, error_code;
  uint64_t rip, cs, rflags, rsp, ss;
};

/** One instruction that may fault: on a fault R15 takes the vector and execution goes on at `landing`. */
struct fixup {
  uint64_t instruction;
  uint64_t landing;
};

/** Assembler text that makes a fixup for the instruction at label 1, landing at label 2. */
#define FIXUP ".pushsection .fixups, \"a\"\n\t.quad 1b, 2b\n\t.popsection\n"

void build_idt(void);
/** On a further processor, which shares it. */
void load_idt(void);

/** Takes the number of interrupts seen on a vector since the last call. */
uint32_t take_interrupts(uint32_t vector);

/** Address of the instruction that the last interrupt on a vector came before. */
uint64_t interrupt_place(uint32_t vector);

/** Debug exceptions since this was cleared: how many, and of the last one RIP, DR6 and DR7 as the handler found them. */
struct debug_trap {
  uint64_t count, rip, status, control;
};
extern struct debug_trap debug_trap;

/** Makes the next NMIs send as many more while they are in service; `command` is a value of the x2APIC's ICR. */
void begin_nmi(uint64_t command, uint32_t more);
void send_nmi(uint64_t command);
/** Most NMIs in service at a time since begin_nmi(). */
uint32_t deepest_nmi(void);

/** Calls an address that may be no code; returns 0, or the vector of the fault. */
uint64_t try_call(uint64_t address);

#endif
