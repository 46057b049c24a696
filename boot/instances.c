// Makes the wasm instances. wasm2c's instantiate functions take one pointer for each imported module: the declarations
// are without a prototype, so that a module may import fewer. Only calls of a monitor use theirs.
#include <string.h>

#include "floor.h"

void wasm2c_kernel_instantiate();
void wasm2c_sandbox_instantiate();
void wasm2c_planner_instantiate();
void wasm2c_terminal_instantiate();

#define MONITOR ((void*)MONITOR_INSTANCE)
#define IMPORTED_MODULES MONITOR, MONITOR, MONITOR, MONITOR, MONITOR, MONITOR, MONITOR, MONITOR

void instantiate_console(void) {
  wasm2c_terminal_instantiate((void*)CONSOLE_INSTANCE, IMPORTED_MODULES);
}

void instantiate_planner(void) {
  wasm2c_planner_instantiate(MONITOR, IMPORTED_MODULES);
}

/** Fixed.Plan was written before: linear memory is not cleared, its frames are zero. */
void instantiate_kernel(void) {
  wasm2c_kernel_instantiate((void*)KERNEL_INSTANCE, IMPORTED_MODULES);
}

/** Runs as a monitor call, so that a fault in it cannot stop the kernel. */
void instantiate_monitor(void* instance) {
  memset(instance, 0, (1 + MONITOR_MEMORY_PAGES) * PAGE_SIZE);
  wasm2c_sandbox_instantiate(instance, IMPORTED_MODULES);
}
