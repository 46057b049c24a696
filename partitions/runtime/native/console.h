// Console and end of the partition: by hypercall under Bulkhead; elsewhere, for tests of a partition alone in QEMU, by
// the UART and QEMU's debug exit.
#ifndef BULKHEAD_PARTITION_CONSOLE_H
#define BULKHEAD_PARTITION_CONSOLE_H

#include <stdbool.h>
#include <stdint.h>

/** Looks at CPUID leaf 0x40000000; comes before everything below. */
void detect_hypervisor(void);

/** Whether that leaf names Bulkhead. */
bool has_hypervisor(void);

/** VMCALL: number in RAX, arguments in RDI and RSI, result in RAX (kernel/policy/layout.ts, Hypercall). */
uint64_t hypercall(uint64_t number, uint64_t first, uint64_t second);

/** Writes up to eight bytes, lowest first; a zero ends them. */
void console_bytes(uint64_t bytes);
void console_text(const char* text);
void console_hex(uint64_t value);

/** Ends the partition. */
_Noreturn void power_off(void);

#endif
