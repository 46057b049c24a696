// monitor.*: kernel/partition/monitor.ts. The kernel's import and the monitor's export have the same C name in
// wasm2c's naming; the imports are static, so they are renamed here to keep the two apart.
#include "floor.h"
#include "wasm-types.h"

#define w2c_monitor_start import_monitor_start
#define w2c_monitor_portRead import_monitor_portRead
#define w2c_monitor_portWrite import_monitor_portWrite
#define w2c_monitor_portString import_monitor_portString
#define w2c_monitor_msrRead import_monitor_msrRead
#define w2c_monitor_msrWrite import_monitor_msrWrite
#define w2c_monitor_memoryAccess import_monitor_memoryAccess
#define w2c_monitor_taskPriorityRead import_monitor_taskPriorityRead
#define w2c_monitor_taskPriorityWrite import_monitor_taskPriorityWrite
#define w2c_monitor_acknowledge import_monitor_acknowledge
#define w2c_monitor_acknowledgeNmi import_monitor_acknowledgeNmi
#define w2c_monitor_timer import_monitor_timer
#define w2c_monitor_input import_monitor_input
#define w2c_monitor_deviceMessage import_monitor_deviceMessage

struct w2c_monitor;
#define MONITOR ((struct w2c_monitor*)MONITOR_INSTANCE)

// monitor-call.S
void monitor_call_instantiate(struct w2c_monitor*);
u32 monitor_call_start(struct w2c_monitor*);
u32 monitor_call_portRead(struct w2c_monitor*, u32 vcpu, u32 port, u32 size);
void monitor_call_portWrite(struct w2c_monitor*, u32 vcpu, u32 port, u32 size, u32 value);
void monitor_call_portString(struct w2c_monitor*, u32 vcpu, u32 port, u32 size, u32 isWrite, u32 isRepeated, u32 information);
u64 monitor_call_msrRead(struct w2c_monitor*, u32 vcpu, u32 index);
void monitor_call_msrWrite(struct w2c_monitor*, u32 vcpu, u32 index, u64 value);
void monitor_call_memoryAccess(struct w2c_monitor*, u32 vcpu, u64 gpa, u32 isWrite);
u32 monitor_call_taskPriorityRead(struct w2c_monitor*, u32 vcpu);
void monitor_call_taskPriorityWrite(struct w2c_monitor*, u32 vcpu, u32 value);
u32 monitor_call_acknowledge(struct w2c_monitor*, u32 vcpu);
void monitor_call_acknowledgeNmi(struct w2c_monitor*, u32 vcpu);
void monitor_call_timer(struct w2c_monitor*, u32 vcpu);
void monitor_call_input(struct w2c_monitor*);
void monitor_call_deviceMessage(struct w2c_monitor*, u32 functionIndex, u32 message);

IMPORT void w2c_monitor_instantiate(INSTANCE(monitor)) {
  monitor_call_instantiate(MONITOR);
}

IMPORT void w2c_monitor_setGrant(INSTANCE(monitor), u32 grant, u64 value) {
  if (grant < GRANT_COUNT) ((volatile u64*)(MONITOR_INSTANCE + MONITOR_GRANTS_OFFSET))[grant] = value;
}

IMPORT u32 w2c_monitor_faulted(INSTANCE(monitor)) {
  return CORE_DATA->monitor_faulted;
}

IMPORT u64 w2c_monitor_faultAddress(INSTANCE(monitor)) {
  return CORE_DATA->monitor_fault;
}

/** Mailbox and virtual-APIC pages lie in the first 64 KiB of the monitor's linear memory; their fields are naturally aligned. */
#define MAILBOX(type, offset) ((volatile type*)(MONITOR_MEMORY + ((offset) & (0x10000 - sizeof(type)))))

IMPORT u32 w2c_monitor_peek8(INSTANCE(monitor), u32 offset) {
  return *MAILBOX(u8, offset);
}

IMPORT u32 w2c_monitor_peek32(INSTANCE(monitor), u32 offset) {
  return *MAILBOX(u32, offset);
}

IMPORT u64 w2c_monitor_peek64(INSTANCE(monitor), u32 offset) {
  return *MAILBOX(u64, offset);
}

IMPORT void w2c_monitor_poke8(INSTANCE(monitor), u32 offset, u32 value) {
  *MAILBOX(u8, offset) = (u8)value;
}

IMPORT void w2c_monitor_poke32(INSTANCE(monitor), u32 offset, u32 value) {
  *MAILBOX(u32, offset) = value;
}

IMPORT void w2c_monitor_poke64(INSTANCE(monitor), u32 offset, u64 value) {
  *MAILBOX(u64, offset) = value;
}

IMPORT u32 w2c_monitor_start(INSTANCE(monitor)) {
  return monitor_call_start(MONITOR);
}

IMPORT u32 w2c_monitor_portRead(INSTANCE(monitor), u32 vcpu, u32 port, u32 size) {
  return monitor_call_portRead(MONITOR, vcpu, port, size);
}

IMPORT void w2c_monitor_portWrite(INSTANCE(monitor), u32 vcpu, u32 port, u32 size, u32 value) {
  monitor_call_portWrite(MONITOR, vcpu, port, size, value);
}

IMPORT void w2c_monitor_portString(INSTANCE(monitor), u32 vcpu, u32 port, u32 size, u32 isWrite, u32 isRepeated, u32 information) {
  monitor_call_portString(MONITOR, vcpu, port, size, isWrite, isRepeated, information);
}

IMPORT u64 w2c_monitor_msrRead(INSTANCE(monitor), u32 vcpu, u32 index) {
  return monitor_call_msrRead(MONITOR, vcpu, index);
}

IMPORT void w2c_monitor_msrWrite(INSTANCE(monitor), u32 vcpu, u32 index, u64 value) {
  monitor_call_msrWrite(MONITOR, vcpu, index, value);
}

IMPORT void w2c_monitor_memoryAccess(INSTANCE(monitor), u32 vcpu, u64 gpa, u32 isWrite) {
  monitor_call_memoryAccess(MONITOR, vcpu, gpa, isWrite);
}

IMPORT u32 w2c_monitor_taskPriorityRead(INSTANCE(monitor), u32 vcpu) {
  return monitor_call_taskPriorityRead(MONITOR, vcpu);
}

IMPORT void w2c_monitor_taskPriorityWrite(INSTANCE(monitor), u32 vcpu, u32 value) {
  monitor_call_taskPriorityWrite(MONITOR, vcpu, value);
}

IMPORT u32 w2c_monitor_acknowledge(INSTANCE(monitor), u32 vcpu) {
  return monitor_call_acknowledge(MONITOR, vcpu);
}

IMPORT void w2c_monitor_acknowledgeNmi(INSTANCE(monitor), u32 vcpu) {
  monitor_call_acknowledgeNmi(MONITOR, vcpu);
}

IMPORT void w2c_monitor_timer(INSTANCE(monitor), u32 vcpu) {
  monitor_call_timer(MONITOR, vcpu);
}

IMPORT void w2c_monitor_input(INSTANCE(monitor)) {
  monitor_call_input(MONITOR);
}

IMPORT void w2c_monitor_deviceMessage(INSTANCE(monitor), u32 functionIndex, u32 message) {
  monitor_call_deviceMessage(MONITOR, functionIndex, message);
}
