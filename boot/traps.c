// Exceptions in root mode: a fixed-up instruction goes on, a fault in a monitor or in the console ends its call, any other one is
// the kernel's trap().
#include <string.h>

#include "floor.h"

/** As vectors.S pushes it; kernel/boot/trap-frame.ts has the same order. */
struct trap_frame {
  u64 cr3;
  u64 cr2;
  u64 registers[16]; // encoding order; RSP is that of the handler
  u64 vector;
  u64 error;
  u64 rip;
  u64 cs;
  u64 rflags;
  u64 rsp;
  u64 ss;
};

/** An instruction that may fault, and where to go on then. */
struct fixup {
  u64 instruction;
  u64 resume;
};

#define RFLAGS_RESERVED 0x2

extern const struct fixup fixups_start[], fixups_end[];
extern u8 monitor_unwind[], console_unwind[];
void w2c_kernel_trap(void* instance);

static u64 fixup_of(u64 rip) {
  for (const struct fixup* fixup = fixups_start; fixup < fixups_end; fixup++) {
    if (fixup->instruction == rip) return fixup->resume;
  }
  return 0;
}

static int ends_call(u64 vector) {
  return CORE_DATA_U32(MONITOR_ACTIVE) != 0 && vector != VECTOR_DOUBLE_FAULT && vector != VECTOR_MACHINE_CHECK;
}

static void show(const char* name, u64 value) {
  message_text(name);
  message_hex(value);
}

static void show_fault(const struct trap_frame* frame) {
  show(" core ", CORE_DATA_U32(CORE_ID));
  show(" vector ", frame->vector);
  show(" error ", frame->error);
  show(" rip ", frame->rip);
  show(" rsp ", frame->rsp);
  show(" cr2 ", frame->cr2);
  message_text("\n");
}

static void end_console(const struct trap_frame* frame) {
  CORE_DATA_U32(CONSOLE_FAULTED) = 1;
  message_text("\n[bulkhead] fault in the console, which ends:");
  show_fault(frame);
}

static void end_call(struct trap_frame* frame) {
  if (CORE_DATA_U32(MONITOR_ACTIVE) == SANDBOX_CONSOLE) {
    end_console(frame);
    frame->rip = (u64)console_unwind;
  } else {
    CORE_DATA_U32(MONITOR_FAULTED) = 1;
    CORE_DATA_U64(MONITOR_FAULT) = frame->rip;
    frame->rip = (u64)monitor_unwind;
  }
  frame->rsp = CORE_DATA_U64(MONITOR_STACK);
  frame->rflags = RFLAGS_RESERVED;
}

/** The kernel cannot report this one: it is not there yet, or it faulted while it reported another. */
static _Noreturn void stop_without_kernel(const struct trap_frame* frame, u32 state) {
  message_text(state == TRAP_STATE_HANDLING ? "\n[bulkhead] fatal: fault while a fault was handled:"
                                            : "\n[bulkhead] fatal: fault in the planner, before the kernel ran:");
  show_fault(frame);
  stop();
}

void handle_exception(struct trap_frame* frame) {
  u64 resume = frame->vector == VECTOR_GENERAL_PROTECTION ? fixup_of(frame->rip) : 0;
  if (resume != 0) {
    frame->rip = resume;
    return;
  }
  if (ends_call(frame->vector)) {
    end_call(frame);
    return;
  }
  u32 state = CORE_DATA_U32(TRAP_STATE);
  if (state != TRAP_STATE_READY) stop_without_kernel(frame, state);
  CORE_DATA_U32(TRAP_STATE) = TRAP_STATE_HANDLING;
  CORE_DATA_U32(MONITOR_ACTIVE) = SANDBOX_NONE; // a machine check may have come in a call
  memcpy((void*)(KERNEL_MEMORY + FIXED_TRAP_FRAME), frame, sizeof *frame);
  set_gs_base(KERNEL_MEMORY);
  w2c_kernel_trap((void*)KERNEL_INSTANCE);
  stop();
}
