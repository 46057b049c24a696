// vmx.*: kernel/cpu/vmx/instructions.ts. Status: 0 succeeded, 1 VMfailInvalid (CF), 2 VMfailValid (ZF).
#include "wasm-types.h"

struct w2c_vmx;

IMPORT u32 vmx_status(bool carry, bool zero) {
  return carry ? 1 : zero ? 2 : 0;
}

#define VMX_FLAGS "=@ccc"(carry), "=@ccz"(zero)

IMPORT u32 w2c_vmx_vmxon(INSTANCE(vmx), u64 region) {
  bool carry, zero;
  __asm__ volatile("vmxon %2" : VMX_FLAGS : "m"(region) : "memory");
  return vmx_status(carry, zero);
}

IMPORT u32 w2c_vmx_vmxoff(INSTANCE(vmx)) {
  bool carry, zero;
  __asm__ volatile("vmxoff" : VMX_FLAGS : : "memory");
  return vmx_status(carry, zero);
}

IMPORT u32 w2c_vmx_vmclear(INSTANCE(vmx), u64 vmcs) {
  bool carry, zero;
  __asm__ volatile("vmclear %2" : VMX_FLAGS : "m"(vmcs) : "memory");
  return vmx_status(carry, zero);
}

IMPORT u32 w2c_vmx_vmptrld(INSTANCE(vmx), u64 vmcs) {
  bool carry, zero;
  __asm__ volatile("vmptrld %2" : VMX_FLAGS : "m"(vmcs) : "memory");
  return vmx_status(carry, zero);
}

/** The value is undefined when the field does not exist. */
IMPORT u64 w2c_vmx_vmread(INSTANCE(vmx), u64 field) {
  u64 value;
  __asm__ volatile("vmread %1, %0" : "=r"(value) : "r"(field) : "cc");
  return value;
}

IMPORT u32 w2c_vmx_vmwrite(INSTANCE(vmx), u64 field, u64 value) {
  bool carry, zero;
  __asm__ volatile("vmwrite %3, %2" : VMX_FLAGS : "r"(field), "r"(value));
  return vmx_status(carry, zero);
}

IMPORT u32 w2c_vmx_invept(INSTANCE(vmx), u64 type, u64 eptp) {
  bool carry, zero;
  const u64 descriptor[2] = {eptp, 0};
  __asm__ volatile("invept %2, %3" : VMX_FLAGS : "m"(descriptor), "r"(type) : "memory");
  return vmx_status(carry, zero);
}

IMPORT u32 w2c_vmx_invvpid(INSTANCE(vmx), u64 type, u64 vpid, u64 address) {
  bool carry, zero;
  const u64 descriptor[2] = {vpid, address};
  __asm__ volatile("invvpid %2, %3" : VMX_FLAGS : "m"(descriptor), "r"(type) : "memory");
  return vmx_status(carry, zero);
}
