// The planner's translation unit. It runs once, on core 0 before there is a kernel, in the place of that core's monitor.
#include "floor.h"

#define WASM_LINEAR_MEMORY MONITOR_MEMORY
#define WASM_LINEAR_MEMORY_PAGES KERNEL_MEMORY_PAGES

#include "wasm-rt.h"

/** It writes through the direct map alone, and not to the image: there lie core 0's tables, stacks and kernel memory, too. */
static inline bool may_write(u64 address, u64 length) {
  if (length > BOOT_DEVICES_END || address > BOOT_DEVICES_END - length) return false;
  return address + length <= IMAGE_START || address >= IMAGE_PHYSICAL(image_end);
}

#define CHECK_WRITE(address, length) \
  if (!may_write(address, length)) wasm_rt_trap(WASM_RT_TRAP_OOB)

#include "imports-boot.h"
#include "imports-cpu.h"
#include "imports-phys.h"
#include "imports-console.h" // behind CHECK_WRITE
#include "imports-port.h"

#include "../build/gen/planner.c"

_Static_assert(sizeof(w2c_planner) <= PAGE_SIZE, "the planner's instance fits its page");
