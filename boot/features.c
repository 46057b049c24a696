// What the floor itself needs of the processor, and the control registers that every core gets.
// VMX is the kernel's to check.
#include "cpuid.h"
#include "floor.h"

enum output { EAX, EBX, ECX, EDX };

struct feature {
  u32 leaf;
  enum output output;
  u32 bit;
  const char* name;
};

static const struct feature required[] = {
  {0x00000001, EDX, 4, "TSC (CPUID 1 EDX bit 4)"},
  {0x00000001, EDX, 5, "MSR (CPUID 1 EDX bit 5)"},
  {0x00000001, EDX, 7, "MCE (CPUID 1 EDX bit 7)"},
  {0x00000001, EDX, 9, "APIC (CPUID 1 EDX bit 9)"},
  {0x00000001, EDX, 16, "PAT (CPUID 1 EDX bit 16)"},
  {0x00000007, EBX, 0, "FSGSBASE (CPUID 7 EBX bit 0)"},
  {0x80000001, EDX, 20, "NX (CPUID 80000001h EDX bit 20)"},
};

static const struct feature xsave = {0x00000001, ECX, 26, "XSAVE"};
static const struct feature smep = {0x00000007, EBX, 7, "SMEP"};
static const struct feature smap = {0x00000007, EBX, 20, "SMAP"};

static int has(const struct feature* feature) {
  u32 outputs[4];
  cpuid(feature->leaf & 0x80000000, 0, outputs);
  if (outputs[EAX] < feature->leaf) return 0;
  cpuid(feature->leaf, 0, outputs);
  return (outputs[feature->output] >> feature->bit) & 1;
}

/** Names every missing feature, then stops; returns when all are there. */
void require_features(void) {
  u32 missing = 0;
  for (u32 index = 0; index < sizeof required / sizeof required[0]; index++) {
    if (has(&required[index])) continue;
    console_text("[bulkhead] fatal: this processor lacks ");
    console_text(required[index].name);
    console_text("\n");
    missing++;
  }
  if (missing != 0) stop();
}

/** CR0, CR4 and EFER of this core. */
void set_control_registers(void) {
  u64 cr0, cr4;
  __asm__ volatile("movq %%cr0, %0" : "=r"(cr0));
  __asm__ volatile("movq %0, %%cr0" : : "r"(cr0 | CR0_MP | CR0_NE | CR0_WP));

  __asm__ volatile("movq %%cr4, %0" : "=r"(cr4));
  cr4 |= CR4_MCE | CR4_FSGSBASE;
  if (has(&xsave)) cr4 |= CR4_OSXSAVE;
  if (has(&smep)) cr4 |= CR4_SMEP;
  if (has(&smap)) cr4 |= CR4_SMAP;
  __asm__ volatile("movq %0, %%cr4" : : "r"(cr4) : "memory");

  u32 low, high;
  __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(MSR_IA32_EFER));
  __asm__ volatile("wrmsr" : : "a"(low | EFER_NXE), "d"(high), "c"(MSR_IA32_EFER) : "memory");
}
