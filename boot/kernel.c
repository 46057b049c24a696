// The kernel's translation unit: its imports, inlined into the code that wasm2c generates from kernel.wasm.
#include "layout.h"

#define WASM_LINEAR_MEMORY KERNEL_MEMORY
#define WASM_LINEAR_MEMORY_PAGES KERNEL_MEMORY_PAGES

#include "wasm-rt.h"

#include "imports-boot.h"
#include "imports-cpu.h"
#include "imports-monitor.h"
#include "imports-phys.h"
#include "imports-console.h" // behind CHECK_WRITE
#include "imports-port.h"
#include "imports-vmx.h"

// Inlined into handle_vm_exit below: the export, and kernel/main.ts's exit() that it calls.
struct w2c_kernel;
static inline __attribute__((always_inline)) u32 w2c_kernel_exit(struct w2c_kernel*);
static inline __attribute__((always_inline)) u32 w2c_kernel_kernel0x2Fmain0x2Fexit(struct w2c_kernel*);

#include "../build/gen/kernel.c"

_Static_assert(sizeof(w2c_kernel) <= PAGE_SIZE, "the kernel's instance fits its page");

_Noreturn void vm_resume(void);
_Noreturn void vm_resume_guarded(void);

/**
 * After each VM exit. It never returns, so it restores no register of its caller: vm-exit.S loads the guest's.
 */
_Noreturn void handle_vm_exit(void) {
  switch (w2c_kernel_exit((w2c_kernel*)KERNEL_INSTANCE)) {
    case NEXT_ENTRY_RESUME: vm_resume();
    case NEXT_ENTRY_GUARDED_RESUME: vm_resume_guarded();
    default: vm_launch();
  }
}
