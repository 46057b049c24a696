// vmx.*: kernel/cpu/vmx/instructions.ts. Status: 0 succeeded, 1 VMfailInvalid (CF), 2 VMfailValid (ZF).
#include "types.h"

struct w2c_vmx;

/** Defines an import that returns the status of the instruction; the operands, from %2 on, follow. */
#define DEFINE_VMX(name, parameters, instruction, ...)                                                              \
  IMPORT u32 w2c_vmx_##name parameters {                                                                            \
    bool carry, zero;                                                                                               \
    __asm__ volatile(instruction : "=@ccc"(carry), "=@ccz"(zero) : __VA_ARGS__);                                    \
    return carry ? 1 : zero ? 2 : 0;                                                                                \
  }

/** The operand of INVEPT and INVVPID, SDM 3C chapter 31. */
#define DESCRIPTOR(low, high) "m"(*(const u64(*)[2])(const u64[2]){low, high})

DEFINE_VMX(vmxon, (INSTANCE(vmx), u64 region), "vmxon %2", "m"(region) : "memory")
DEFINE_VMX(vmclear, (INSTANCE(vmx), u64 vmcs), "vmclear %2", "m"(vmcs) : "memory")
DEFINE_VMX(vmptrld, (INSTANCE(vmx), u64 vmcs), "vmptrld %2", "m"(vmcs) : "memory")
DEFINE_VMX(vmwrite, (INSTANCE(vmx), u64 field, u64 value), "vmwrite %3, %2", "r"(field), "r"(value))
DEFINE_VMX(invept, (INSTANCE(vmx), u64 type, u64 eptp), "invept %2, %3", DESCRIPTOR(eptp, 0), "r"(type) : "memory")
DEFINE_VMX(invvpid, (INSTANCE(vmx), u64 type, u64 vpid, u64 address), "invvpid %2, %3", DESCRIPTOR(vpid, address), "r"(type) : "memory")

/** The value is undefined when the field does not exist. */
IMPORT u64 w2c_vmx_vmread(INSTANCE(vmx), u64 field) {
  u64 value;
  __asm__ volatile("vmread %1, %0" : "=r"(value) : "r"(field) : "cc");
  return value;
}
