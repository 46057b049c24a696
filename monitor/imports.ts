// All that a monitor can reach outside its linear memory: its own partition's memory and images, and the clock.
// The floor bounds each address to the partition's grant; outside it loads give all ones and stores vanish. A ROM can only be loaded from.

@external("guest", "load8") export declare function load8(gpa: u64): u8;
@external("guest", "load16") export declare function load16(gpa: u64): u16;
@external("guest", "load32") export declare function load32(gpa: u64): u32;
@external("guest", "load64") export declare function load64(gpa: u64): u64;
@external("guest", "store8") export declare function store8(gpa: u64, value: u8): void;
@external("guest", "store16") export declare function store16(gpa: u64, value: u16): void;
@external("guest", "store32") export declare function store32(gpa: u64, value: u32): void;
@external("guest", "store64") export declare function store64(gpa: u64, value: u64): void;
/** Zeroes guest memory; 0 if the range is not all RAM, and nothing is written then. */
@external("guest", "clear") export declare function clear(gpa: u64, length: u64): u32;
/** Copies from an image to guest memory; 0 if either range is out of bounds, and nothing is written then. */
@external("guest", "copyImage") export declare function copyImage(gpa: u64, image: u32, offset: u64, length: u64): u32;

/**
 * FXSAVE64 and FXRSTOR64 (SDM 1 10.5) of the vCPU that called, whose vector registers stay in the processor. `area`: 512 bytes of this
 * memory, aligned to 16; another place faults.
 */
@external("guest", "saveVectors") export declare function saveVectors(area: usize): void;
@external("guest", "restoreVectors") export declare function restoreVectors(area: usize): void;

/** Copies from guest memory to the disk; 0 if either range is out of bounds, and nothing is written then. Faults if the disk is read-only. */
@external("guest", "copyToDisk") export declare function copyToDisk(gpa: u64, offset: u64, length: u64): u32;

/** Images of the partition: 0 kernel, 1 initial RAM disk or modules (size 0 if none), 2 command line (no terminator), 3 disk (size 0 if none). */
export const enum Image { Kernel = 0, InitialRamDisk = 1, CommandLine = 2, Disk = 3 }

@external("image", "size") export declare function imageSize(image: u32): u64;
@external("image", "load8") export declare function imageLoad8(image: u32, offset: u64): u8;
@external("image", "load16") export declare function imageLoad16(image: u32, offset: u64): u16;
@external("image", "load32") export declare function imageLoad32(image: u32, offset: u64): u32;
@external("image", "load64") export declare function imageLoad64(image: u32, offset: u64): u64;

/** The TSC, which the guest reads too. */
@external("time", "now") export declare function now(): u64;
