// Guest-physical places of what the loader hands to a guest. All of it lies in the last pages of the RAM below 640 KiB,
// where no image and no module may lie. A guest may reuse this memory once it has copied what it wants.

/** From here to LOW_RESERVED_END no image lies: boot structures, then the ACPI tables. */
export const BOOT_AREA: u64 = 0x90000;
/** Identity tables of the low 4 GiB: PML4, PDPT and four page directories, 4 KiB each. */
export const IDENTITY_TABLES: u64 = 0x90000;
/** Four descriptors: two null ones, code at selector 0x10, data at 0x18. */
export const BOOT_GDT: u64 = 0x96000;
/** Top of a stack of one page. */
export const BOOT_STACK_TOP: u64 = 0x98000;
/** The "zero page" of Linux, 4 KiB. */
export const BOOT_PARAMETERS: u64 = 0x98000;
/** hvm_start_info, its module list and its memory map, 4 KiB. */
export const START_INFO: u64 = 0x99000;
export const COMMAND_LINE: u64 = 0x9b000;
/** Bytes at COMMAND_LINE, the terminating zero included. */
export const COMMAND_LINE_CAPACITY: u64 = 0x4000;
/** What a multiboot image is told, all in one piece with its texts; such an image uses none of the three above. */
export const INFORMATION: u64 = 0x98000;
export const INFORMATION_END: u64 = 0x9f000;
/** No module or RAM disk lies below, and no bzImage. */
export const LOWEST_IMAGE_ADDRESS: u64 = 0x100000;
