// boot.*: kernel/boot/stub.ts
#include "floor.h"

struct w2c_boot;

/** In the kernel's linear memory: %gs:address. */
typedef u32 __attribute__((address_space(256))) kernel_word;

IMPORT u64 w2c_boot_imageAddress(INSTANCE(boot), u32 symbol) {
  switch (symbol) {
    case IMAGE_SYMBOL_START: return IMAGE_PHYSICAL(image_start);
    case IMAGE_SYMBOL_TEXT_START: return IMAGE_PHYSICAL(image_text_start);
    case IMAGE_SYMBOL_TEXT_END: return IMAGE_PHYSICAL(image_text_end);
    case IMAGE_SYMBOL_RODATA_START: return IMAGE_PHYSICAL(image_rodata_start);
    case IMAGE_SYMBOL_RODATA_END: return IMAGE_PHYSICAL(image_rodata_end);
    case IMAGE_SYMBOL_DATA_START: return IMAGE_PHYSICAL(image_data_start);
    case IMAGE_SYMBOL_DATA_END: return IMAGE_PHYSICAL(image_data_end);
    case IMAGE_SYMBOL_END: return IMAGE_PHYSICAL(image_end);
    case IMAGE_SYMBOL_BOOT_CORE_BLOCK: return IMAGE_PHYSICAL(core_block);
    case IMAGE_SYMBOL_BOOT_KERNEL_MEMORY: return IMAGE_PHYSICAL(kernel_memory);
    case IMAGE_SYMBOL_TRAMPOLINE: return trampoline_page;
    default: return 0;
  }
}

IMPORT u32 w2c_boot_coreId(INSTANCE(boot)) {
  return CORE_DATA->core_id;
}

IMPORT void w2c_boot_loadPageTables(INSTANCE(boot), u64 pml4) {
  __asm__ volatile("movq %0, %%cr3" : : "r"(pml4) : "memory");
}

IMPORT void w2c_boot_prepareApplicationCore(INSTANCE(boot), u64 pml4) {
  prepare_application_core(pml4);
}

IMPORT u32 w2c_boot_applicationCoreStarted(INSTANCE(boot)) {
  return application_core_started();
}

IMPORT u64 w2c_boot_exitEntry(INSTANCE(boot)) {
  const kernel_word* mitigations = (const kernel_word*)FIXED_MITIGATIONS;
  return (u64)(*mitigations & MITIGATIONS_ON_EXIT ? vm_exit_guarded : vm_exit);
}

IMPORT u64 w2c_boot_hostStack(INSTANCE(boot)) {
  return CORE_MAIN_STACK_TOP;
}

IMPORT u64 w2c_boot_idtBase(INSTANCE(boot)) {
  return (u64)idt;
}

IMPORT void w2c_boot_enterGuest(INSTANCE(boot)) {
  vm_launch();
}

/** The handler's IRET ends the blocking of NMIs that an exit by NMI leaves behind. */
IMPORT void w2c_boot_deliverNmi(INSTANCE(boot)) {
  __asm__ volatile("int $2" : : : "memory");
}

/** The interrupt that ends HLT cannot come before it: STI holds interrupts off for one more instruction. */
IMPORT void w2c_boot_idle(INSTANCE(boot)) {
  static const u16 selector = SELECTOR_DATA;
  // A thread that sleeps shares its buffers with the one beside it, which goes on.
  const u32 clears = MITIGATION_VERW | MITIGATION_L1D_FLUSH;
  if (*(const kernel_word*)FIXED_MITIGATIONS & clears) __asm__ volatile("verw %0" : : "m"(selector) : "cc");
  __asm__ volatile("sti; hlt; cli" : : : "memory");
}

/** One instruction behind the shadow of STI, at which interrupts are taken. */
IMPORT void w2c_boot_admitInterrupts(INSTANCE(boot)) {
  __asm__ volatile("sti; nop; nop; cli" : : : "memory");
}

IMPORT void w2c_boot_halt(INSTANCE(boot)) {
  stop();
}

IMPORT u32 w2c_boot_symbolName(INSTANCE(boot), u64 address, u32 out, u32 capacity) {
  return symbol_name(address, out, capacity);
}
