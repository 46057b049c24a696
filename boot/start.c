// From the assembly entries to the kernel: core 0 by prepare_boot_core and start_boot_core, which has the planner run first,
// the others by start_application_core.
#include "floor.h"

// wasm2c's names of what planner and kernel export.
u64 w2c_planner_plan(void* instance, u64 information);
void w2c_kernel_boot(void* instance);
void w2c_kernel_bootApplication(void* instance);

#define CORE0_FRAMES __attribute__((aligned(PAGE_SIZE), section(".bss.core0")))

u8 core_block[CORE_PAGE_COUNT * PAGE_SIZE] CORE0_FRAMES;
u8 kernel_memory[(1 + KERNEL_MEMORY_PAGES) * PAGE_SIZE] CORE0_FRAMES;
u8 planner_memory[sizeof kernel_memory] CORE0_FRAMES;
u8 console_memory[(1 + CONSOLE_MEMORY_PAGES) * PAGE_SIZE] CORE0_FRAMES;

static u64 information;

/** On the entry tables: returns the physical address of the PML4 to go on with. */
u64 prepare_boot_core(u64 loader_information) {
  build_idt();
  information = loader_information;
  return build_boot_tables();
}

static void make_kernel(void) {
  set_gs_base(KERNEL_MEMORY);
  instantiate_kernel();
  CORE_DATA_U32(TRAP_STATE) = TRAP_STATE_READY;
}

_Noreturn void start_boot_core(void) {
  load_descriptors();
  set_gs_base(CONSOLE_MEMORY);
  instantiate_console();
  set_gs_base(MONITOR_MEMORY);
  instantiate_planner();
  *(u64*)(KERNEL_MEMORY + FIXED_PLAN) = w2c_planner_plan((void*)MONITOR_INSTANCE, information);
  make_kernel();
  w2c_kernel_boot((void*)KERNEL_INSTANCE);
  stop();
}

_Noreturn void start_application_core(void) {
  load_descriptors();
  make_kernel();
  w2c_kernel_bootApplication((void*)KERNEL_INSTANCE);
  stop();
}
