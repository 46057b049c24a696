// boot.*: kernel/boot/stub.ts
#include "floor.h"

struct w2c_boot;

/** In the kernel's linear memory: %gs:address. */
typedef u32 __attribute__((address_space(256))) kernel_word;

IMPORT u64 w2c_boot_imageAddress(INSTANCE(boot), u32 symbol) {
  static const u8* const places[] = {
    [IMAGE_SYMBOL_START] = image_start,
    [IMAGE_SYMBOL_TEXT_START] = image_text_start,
    [IMAGE_SYMBOL_TEXT_END] = image_text_end,
    [IMAGE_SYMBOL_RODATA_START] = image_rodata_start,
    [IMAGE_SYMBOL_RODATA_END] = image_rodata_end,
    [IMAGE_SYMBOL_DATA_START] = image_data_start,
    [IMAGE_SYMBOL_DATA_END] = image_data_end,
    [IMAGE_SYMBOL_END] = image_end,
    [IMAGE_SYMBOL_BOOT_CORE_BLOCK] = core_block,
    [IMAGE_SYMBOL_BOOT_KERNEL_MEMORY] = kernel_memory,
    [IMAGE_SYMBOL_TRAMPOLINE] = trampoline_start,
    [IMAGE_SYMBOL_TRAMPOLINE_END] = trampoline_end,
    [IMAGE_SYMBOL_SYMBOLS] = symbols_start,
    [IMAGE_SYMBOL_IDT] = (const u8*)idt,
    [IMAGE_SYMBOL_EXIT_ENTRY] = vm_exit,
    [IMAGE_SYMBOL_GUARDED_EXIT_ENTRY] = vm_exit_guarded,
    [IMAGE_SYMBOL_BOOT_CONSOLE_MEMORY] = console_memory,
  };
  return symbol < sizeof places / sizeof places[0] ? IMAGE_PHYSICAL(places[symbol]) : 0;
}

IMPORT u32 w2c_boot_coreId(INSTANCE(boot)) {
  return CORE_DATA_U32(CORE_ID);
}

IMPORT void w2c_boot_loadPageTables(INSTANCE(boot), u64 pml4) {
  __asm__ volatile("movq %0, %%cr3" : : "r"(pml4) : "memory");
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

IMPORT void w2c_boot_emergencyPut(INSTANCE(boot), u32 byte) {
  message_put((u8)byte);
}

IMPORT void w2c_boot_halt(INSTANCE(boot)) {
  stop();
}
