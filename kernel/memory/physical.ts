// Physical memory, reached only here. Addresses are u64 and never wasm pointers.

@external("phys", "load8") export declare function load8(address: u64): u8;
@external("phys", "load16") export declare function load16(address: u64): u16;
@external("phys", "load32") export declare function load32(address: u64): u32;
@external("phys", "load64") export declare function load64(address: u64): u64;
@external("phys", "store8") export declare function store8(address: u64, value: u8): void;
@external("phys", "store16") export declare function store16(address: u64, value: u16): void;
@external("phys", "store32") export declare function store32(address: u64, value: u32): void;
@external("phys", "store64") export declare function store64(address: u64, value: u64): void;
/** Copies `length` bytes between physical ranges that do not overlap. */
@external("phys", "copy") export declare function copy(destination: u64, source: u64, length: u64): void;
/** Fills `length` bytes with zeros. */
@external("phys", "clear") export declare function clear(address: u64, length: u64): void;
/** Atomically replaces a u32 when it equals `expected`; returns the value found. */
@external("phys", "compareExchange32") export declare function compareExchange32(address: u64, expected: u32, value: u32): u32;
/** Writes the cache lines of `length` bytes back to memory and drops them (CLFLUSH), for hardware that does not snoop. */
@external("phys", "flushCache") export declare function flushCache(address: u64, length: u64): void;
