// monitor.*: kernel/partition/monitor.ts. The monitor's own exports are called through monitor-call.S.
#include "floor.h"

struct w2c_monitor;

IMPORT void w2c_monitor_setGrant(INSTANCE(monitor), u32 grant, u64 value) {
  if (grant < GRANT_COUNT) ((volatile u64*)(MONITOR_INSTANCE + MONITOR_GRANTS_OFFSET))[grant] = value;
}

IMPORT u32 w2c_monitor_faulted(INSTANCE(monitor)) {
  return CORE_DATA_U32(MONITOR_FAULTED);
}

IMPORT u64 w2c_monitor_faultAddress(INSTANCE(monitor)) {
  return CORE_DATA_U64(MONITOR_FAULT);
}

/** Mailbox and virtual-APIC pages lie in the first 64 KiB of the monitor's linear memory; their fields are naturally aligned. */
#define MAILBOX(type, offset) ((volatile type*)(MONITOR_MEMORY + ((offset) & (0x10000 - sizeof(type)))))

/** `type` is the one that wasm knows. */
#define DEFINE_MAILBOX_ACCESS(bits, type)                                                                                        \
  IMPORT type w2c_monitor_peek##bits(INSTANCE(monitor), u32 offset) { return *MAILBOX(u##bits, offset); }                        \
  IMPORT void w2c_monitor_poke##bits(INSTANCE(monitor), u32 offset, type value) { *MAILBOX(u##bits, offset) = (u##bits)value; }

DEFINE_MAILBOX_ACCESS(8, u32)
DEFINE_MAILBOX_ACCESS(32, u32)
DEFINE_MAILBOX_ACCESS(64, u64)

IMPORT u32 w2c_monitor_or32(INSTANCE(monitor), u32 offset, u32 bits) {
  return __atomic_fetch_or(MAILBOX(u32, offset), bits, __ATOMIC_SEQ_CST);
}
