// console.*: kernel/console/console.ts. The console's own exports are called through monitor-call.S.
#include "floor.h"

struct w2c_console;

/** Only what the module that grants may itself write. */
IMPORT void w2c_console_grant(INSTANCE(console), u32 grant, u64 base, u64 size) {
  CHECK_WRITE(base, size);
  if (grant >= CONSOLE_GRANT_COUNT) return;
  volatile u64* place = (volatile u64*)(CONSOLE_INSTANCE + CONSOLE_GRANTS_OFFSET) + 2 * grant;
  place[0] = base;
  place[1] = size;
}

IMPORT u32 w2c_console_faulted(INSTANCE(console)) {
  return CORE_DATA_U32(CONSOLE_FAULTED);
}
