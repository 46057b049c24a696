#include "interrupts.h"

#include <stddef.h>

#include "console.h"
#include "layout.h"

#define FIRST_INTERRUPT 32
#define VECTOR_COUNT 256
#define DEBUG_EXCEPTION 1
#define NON_MASKABLE_INTERRUPT 2
#define RFLAGS_TF 0x100
#define MSR_X2APIC_ICR 0x830

struct gate {
  uint16_t offset_low, selector, flags, offset_middle;
  uint32_t offset_high, reserved;
};

extern uint8_t vectors[], ipi_arrived[];
extern const struct fixup fixups_start[], fixups_end[];

// call.S: where try_call() goes on after a fault at an address without a fixup; 0 while no such call runs.
extern uint64_t call_stack;
extern uint8_t call_landing[];

static struct gate idt[VECTOR_COUNT];
static uint32_t counts[VECTOR_COUNT];
static uint64_t places[VECTOR_COUNT];
struct debug_trap debug_trap;

static uint64_t nmi_command;
static uint32_t nmi_more, nmi_depth, nmi_deepest;

static void set_gate(uint32_t vector, uint64_t entry) {
  const uint16_t interrupt_gate = 0x8e00;
  idt[vector] = (struct gate){(uint16_t)entry, CODE_SELECTOR, interrupt_gate, (uint16_t)(entry >> 16), (uint32_t)(entry >> 32), 0};
}

void build_idt(void) {
  for (uint32_t vector = 0; vector < VECTOR_COUNT; vector++) set_gate(vector, (uint64_t)vectors + vector * 16);
  set_gate(IPI_VECTOR, (uint64_t)ipi_arrived);
  load_idt();
}

void load_idt(void) {
  struct __attribute__((packed)) {
    uint16_t limit;
    uint64_t base;
  } pointer = {sizeof idt - 1, (uint64_t)idt};
  __asm__ volatile("lidt %0" : : "m"(pointer));
}

uint32_t take_interrupts(uint32_t vector) {
  uint32_t count = counts[vector & 0xff];
  counts[vector & 0xff] = 0;
  return count;
}

uint64_t interrupt_place(uint32_t vector) {
  return places[vector & 0xff];
}

void begin_nmi(uint64_t command, uint32_t more) {
  nmi_command = command;
  nmi_more = more;
  nmi_depth = nmi_deepest = 0;
  counts[NON_MASKABLE_INTERRUPT] = 0;
}

void send_nmi(uint64_t command) {
  __asm__ volatile("wrmsr" : : "c"(MSR_X2APIC_ICR), "a"((uint32_t)command), "d"((uint32_t)(command >> 32)) : "memory");
}

uint32_t deepest_nmi(void) {
  return nmi_deepest;
}

static void serve_nmi(void) {
  nmi_depth++;
  if (nmi_depth > nmi_deepest) nmi_deepest = nmi_depth;
  if (nmi_more != 0) {
    nmi_more--;
    send_nmi(nmi_command);
  }
  nmi_depth--;
}

/** A single step ends with the first trap. */
static void note_debug_exception(struct interrupt_frame* frame) {
  debug_trap.count++;
  debug_trap.rip = frame->rip;
  __asm__ volatile("mov %%dr6, %0" : "=r"(debug_trap.status));
  __asm__ volatile("mov %%dr7, %0" : "=r"(debug_trap.control));
  frame->rflags &= ~(uint64_t)RFLAGS_TF;
}

static const struct fixup* find_fixup(uint64_t instruction) {
  for (const struct fixup* fixup = fixups_start; fixup < fixups_end; fixup++) {
    if (fixup->instruction == instruction) return fixup;
  }
  return NULL;
}

void interrupt(struct interrupt_frame* frame) {
  if (frame->vector >= FIRST_INTERRUPT || frame->vector == NON_MASKABLE_INTERRUPT) {
    counts[frame->vector]++;
    places[frame->vector] = frame->rip;
    if (frame->vector == NON_MASKABLE_INTERRUPT) serve_nmi();
    return;
  }
  if (frame->vector == DEBUG_EXCEPTION) {
    note_debug_exception(frame);
    return;
  }
  const struct fixup* fixup = find_fixup(frame->rip);
  if (fixup != NULL) {
    frame->r15 = frame->vector;
    frame->rip = fixup->landing;
    return;
  }
  if (call_stack != 0) {
    frame->rax = frame->vector;
    frame->rsp = call_stack;
    frame->rip = (uint64_t)call_landing;
    return;
  }
  console_text("exception ");
  console_hex(frame->vector);
  console_text(" at ");
  console_hex(frame->rip);
  console_text(", error code ");
  console_hex(frame->error_code);
  console_text("\n");
  power_off();
}
