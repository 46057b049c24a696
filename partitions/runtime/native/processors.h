// Further processors: started by INIT and SIPI through the x2APIC, which must be on (SDM 3A 9.4.4.1).
#ifndef BULKHEAD_PARTITION_PROCESSORS_H
#define BULKHEAD_PARTITION_PROCESSORS_H

#include <stdint.h>

#include "layout.h"
#include "processor.h"

#define MSR_X2APIC_COMMAND 0x830
#define COMMAND_INIT 0x4500
#define COMMAND_STARTUP 0x4600

extern const uint8_t trampoline[], trampoline_end[];
/** TSC at the first instruction of the handler of IPI_VECTOR; written by processors.S. */
extern volatile uint64_t ipi_arrival;

static inline void send_command(uint32_t target, uint32_t command) {
  __asm__ volatile("wrmsr" : : "c"(MSR_X2APIC_COMMAND), "a"(command), "d"(target) : "memory");
}

static inline void start_processor(uint32_t target) {
  for (uint32_t index = 0; trampoline + index < trampoline_end; index++) ((volatile uint8_t*)TRAMPOLINE)[index] = trampoline[index];
  send_command(target, COMMAND_INIT);
  send_command(target, COMMAND_STARTUP | TRAMPOLINE / PAGE_SIZE);
}

/**
 * Ticks of `rounds` interrupts to a processor that runs with interrupts open: each from the RDTSC before the WRMSR that sends it to the
 * RDTSC that its handler begins with. The next one is sent once the handler is over, so that its end of interrupt counts in none.
 */
static inline uint64_t measure_ipi(uint32_t target, uint64_t rounds) {
  uint64_t total = 0;
  for (; rounds != 0; rounds--) {
    ipi_arrival = 0;
    uint64_t begin = rdtsc();
    send_command(target, IPI_VECTOR);
    while (ipi_arrival == 0) __asm__ volatile("pause");
    total += ipi_arrival - begin;
    for (uint64_t over = rdtsc() + IPI_PAUSE; rdtsc() < over;) __asm__ volatile("pause");
  }
  return total;
}

#endif
