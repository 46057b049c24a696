// All that the console reaches outside its own memory; the floor bounds each of them (boot/console.c).

/** COM1's eight ports and the debug console; others read as all ones and are not written. */
@external("port", "in8") export declare function in8(port: u16): u8;
@external("port", "out8") export declare function out8(port: u16, value: u8): void;

// The rings (kernel/console/ring-layout.ts), by offset. Outside what is granted loads give 0 and stores do nothing.
@external("ring", "load16") export declare function ringLoad16(offset: u32): u16;
@external("ring", "load32") export declare function ringLoad32(offset: u32): u32;
@external("ring", "store8") export declare function ringStore8(offset: u32, value: u8): void;
@external("ring", "store32") export declare function ringStore32(offset: u32, value: u32): void;
/** Atomically replaces a u32 when it equals `expected`. */
@external("ring", "compareExchange32") export declare function ringCompareExchange32(offset: u32, expected: u32, value: u32): void;

// The screen, by offset from its first byte. Outside what is granted stores do nothing.
@external("screen", "store8") export declare function screenStore8(offset: u64, value: u8): void;
@external("screen", "store16") export declare function screenStore16(offset: u64, value: u16): void;
@external("screen", "store64") export declare function screenStore64(offset: u64, value: u64): void;

/** Byte `index` of framebuffer-font.bin, 0 behind its end. */
@external("font", "load8") export declare function fontLoad8(index: u32): u8;
