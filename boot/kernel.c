// The kernel's translation unit: its imports, inlined into the code that wasm2c generates from kernel.wasm.
#include "layout.h"

#define WASM_LINEAR_MEMORY KERNEL_MEMORY
#define WASM_LINEAR_MEMORY_PAGES KERNEL_MEMORY_PAGES

#include "wasm-rt.h"

#include "imports-boot.h"
#include "imports-cpu.h"
#include "imports-monitor.h"
#include "imports-phys.h"
#include "imports-port.h"
#include "imports-vmx.h"

// wasm2c declares variables that its code then does not use.
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wunused-variable"
#pragma clang diagnostic ignored "-Wunused-but-set-variable"
#include "../build/gen/kernel.c"
#pragma clang diagnostic pop

_Static_assert(sizeof(w2c_kernel) <= PAGE_SIZE, "the kernel's instance fits its page");
