// Numbers of the floor: those of the kernel, what follows from them, and what only the floor needs. Included by C and
// assembly, hence plain numbers only.
#ifndef BULKHEAD_LAYOUT_H
#define BULKHEAD_LAYOUT_H

#include "kernel-numbers.h"

// One page below each linear memory lies the instance.
#define KERNEL_INSTANCE (KERNEL_MEMORY - PAGE_SIZE)
#define MONITOR_INSTANCE (MONITOR_MEMORY - PAGE_SIZE)
#define CONSOLE_INSTANCE (CONSOLE_MEMORY - PAGE_SIZE)
#define CORE_MAIN_STACK_TOP (CORE_BASE + CORE_PAGE_MAIN_STACK_END * PAGE_SIZE)
#define CORE_DATA_BASE (CORE_BASE + CORE_PAGE_CORE_DATA * PAGE_SIZE)

// Grants of a monitor (Grant) are an array of u64 in its instance page; those of images are pairs.
#define MONITOR_GRANTS_OFFSET 0x800
#define IMAGE_COUNT ((GRANT_ROM_BASE - GRANT_IMAGES) / 2)
#define IMAGE_DISK (IMAGE_COUNT - 1)
// Grants of the console (ConsoleGrant): pairs of u64, base and size.
#define CONSOLE_GRANTS_OFFSET 0x800

// Exception vectors with a stack of their own, and the one that fixups are for.
#define VECTOR_NMI 2
#define VECTOR_DOUBLE_FAULT 8
#define VECTOR_GENERAL_PROTECTION 13
#define VECTOR_MACHINE_CHECK 18

// COM1 and the emulators' debug console, for messages before or instead of the kernel's.
#define PORT_DEBUG_CONSOLE 0xe9
#define PORT_COM1 0x3f8

#define MULTIBOOT2_BOOT_MAGIC 0x36d76289
#define PVH_START_MAGIC 0x336ec578 // first word of PVH's start information

#endif
