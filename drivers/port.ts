// Port I/O of the real machine. Only drivers/ may use it.

@external("port", "in8") export declare function in8(port: u16): u8;
@external("port", "in16") export declare function in16(port: u16): u16;
@external("port", "in32") export declare function in32(port: u16): u32;
@external("port", "out8") export declare function out8(port: u16, value: u8): void;
@external("port", "out16") export declare function out16(port: u16, value: u16): void;
@external("port", "out32") export declare function out32(port: u16, value: u32): void;
