// Makes the wasm instances. wasm2c's instantiate functions take one pointer for each imported module, which no
// import of this floor looks at: the declarations are without a prototype, so that a module may import fewer.
#include <string.h>

#include "floor.h"

void wasm2c_kernel_instantiate();
void wasm2c_monitor_instantiate();

#define NO_IMPORTS ((void*)0), ((void*)0), ((void*)0), ((void*)0), ((void*)0), ((void*)0), ((void*)0), ((void*)0)

/** Fixed.Plan was written before: linear memory is not cleared, its frames are zero. */
void instantiate_kernel(void) {
  wasm2c_kernel_instantiate((void*)KERNEL_INSTANCE, NO_IMPORTS);
}

/** Runs as a monitor call, so that a fault in it cannot stop the kernel. */
void instantiate_monitor(void* instance) {
  memset(instance, 0, (1 + MONITOR_MEMORY_PAGES) * PAGE_SIZE);
  wasm2c_monitor_instantiate(instance, NO_IMPORTS);
}
