// VMX instructions, SDM 3C chapter 31. Status: 0 succeeded, 1 VMfailInvalid (CF), 2 VMfailValid (ZF).

@external("vmx", "vmxon") export declare function vmxon(region: u64): u32;
@external("vmx", "vmclear") export declare function vmclear(vmcs: u64): u32;
@external("vmx", "vmptrld") export declare function vmptrld(vmcs: u64): u32;
@external("vmx", "vmread") export declare function vmread(field: u64): u64;
@external("vmx", "vmwrite") export declare function vmwrite(field: u64, value: u64): u32;
/** INVEPT with a descriptor of EPTP and zero. */
@external("vmx", "invept") export declare function invept(type: u64, eptp: u64): u32;
@external("vmx", "invvpid") export declare function invvpid(type: u64, vpid: u64, address: u64): u32;
