// Guest-physical places of what the loader hands to a guest. All of it lies below the first MiB, images and initial
// RAM disk lie above, so the two cannot overlap. A guest may reuse this memory once it has copied what it wants.

/** Identity tables of the low 4 GiB: PML4, PDPT and four page directories, 4 KiB each. */
export const IDENTITY_TABLES: u64 = 0x10000;
/** Four descriptors: two null ones, code at selector 0x10, data at 0x18. */
export const BOOT_GDT: u64 = 0x16000;
/** Top of a stack of one page. */
export const BOOT_STACK_TOP: u64 = 0x18000;
/** The "zero page" of Linux, 4 KiB. */
export const BOOT_PARAMETERS: u64 = 0x18000;
/** hvm_start_info, its module list and its memory map, 4 KiB. */
export const START_INFO: u64 = 0x19000;
export const COMMAND_LINE: u64 = 0x20000;
/** Bytes at COMMAND_LINE, the terminating zero included. */
export const COMMAND_LINE_CAPACITY: u64 = 0x4000;
/** No image or RAM disk lies below. */
export const LOWEST_IMAGE_ADDRESS: u64 = 0x100000;
