// Instructions that may fault. Each returns the vector of the exception that it met, or 0 if it was carried out;
// what was read is stored as u64 at `out` in linear memory.

@external("machine", "readMemory32") export declare function readMemory32(address: u64, out: usize): u32;
@external("machine", "readMemory64") export declare function readMemory64(address: u64, out: usize): u32;
@external("machine", "writeMemory32") export declare function writeMemory32(address: u64, value: u32): u32;
@external("machine", "writeMemory64") export declare function writeMemory64(address: u64, value: u64): u32;
/** CALL; the code there, if any, must return. */
@external("machine", "execute") export declare function execute(address: u64): u32;
@external("machine", "readMsr") export declare function readMsr(index: u32, out: usize): u32;
@external("machine", "writeMsr") export declare function writeMsr(index: u32, value: u64): u32;
@external("machine", "readPort8") export declare function readPort8(port: u32, out: usize): u32;
@external("machine", "readPort16") export declare function readPort16(port: u32, out: usize): u32;
@external("machine", "readPort32") export declare function readPort32(port: u32, out: usize): u32;
@external("machine", "writePort8") export declare function writePort8(port: u32, value: u32): u32;
@external("machine", "writePort16") export declare function writePort16(port: u32, value: u32): u32;
@external("machine", "writePort32") export declare function writePort32(port: u32, value: u32): u32;
@external("machine", "readCr4") export declare function readCr4(): u64;
@external("machine", "writeCr4") export declare function writeCr4(value: u64): u32;
/** `region`: physical address of a VMXON region. */
@external("machine", "vmxon") export declare function vmxon(region: u64): u32;

/** Exceptions that these instructions meet (SDM 3A 6.3.1). */
export const enum Exception {
  None = 0,
  InvalidOpcode = 6, // #UD
  GeneralProtection = 13, // #GP
  PageFault = 14, // #PF
}
