// Addresses of a bare-metal partition, shared by C and assembler.
#ifndef BULKHEAD_PARTITION_LAYOUT_H
#define BULKHEAD_PARTITION_LAYOUT_H

#define PAGE_SIZE 4096

// Physical memory is mapped at its own addresses in 2 MiB pages up to here: own memory, devices, and what lies
// beyond both, for the partition that tries it.
#define IDENTITY_GIB 8

// Virtual address of linear memory: the only mapping in its 512 GiB, so that what follows it is a guard.
#define LINEAR_MEMORY 0x400000000000
#define LINEAR_MEMORY_PML4_INDEX 128
// 1 MiB; asconfig.json's target "partition" gives the same.
#define LINEAR_MEMORY_PAGES 256

#define STACK_SIZE 0x10000

// Where further processors start in real mode, and how many APIC identifiers they may have.
#define TRAMPOLINE 0x8000
#define PROCESSORS 8

#define IPI_VECTOR 0x60
// TSC ticks that one IPI leaves the handler of the one before.
#define IPI_PAUSE 2000

#define CODE_SELECTOR 0x08
#define DATA_SELECTOR 0x10
#define GDT_SIZE 0x18

#endif
