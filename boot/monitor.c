// The monitor's translation unit: its imports, inlined into the code that wasm2c generates from monitor.wasm.
#include "layout.h"

#define WASM_LINEAR_MEMORY MONITOR_MEMORY
#define WASM_LINEAR_MEMORY_PAGES MONITOR_MEMORY_PAGES

#include "wasm-rt.h"

#include "imports-guest.h"

#include "../build/gen/monitor.c"

_Static_assert(sizeof(w2c_sandbox) <= MONITOR_GRANTS_OFFSET, "the monitor's instance lies below its grants");
