// Fields of the bzImage setup header and of Linux's boot_params ("zero page"). Both use the same offsets for the
// header. Source: Linux, Documentation/arch/x86/boot.rst and zero-page.rst.

/** Fields of boot_params outside the setup header. */
export const enum BootParameters {
  AcpiRsdpAddress = 0x070, // u64
  E820Entries = 0x1e8, // u8
  E820Table = 0x2d0, // 20 bytes an entry
  Size = 0x1000,
}

/** Offsets in the image and in boot_params. */
export const enum SetupHeader {
  SetupSectors = 0x1f1, // u8, sectors of real-mode code after the boot sector; 0 means 4
  VideoMode = 0x1fa, // u16
  BootFlag = 0x1fe, // u16 BOOT_FLAG
  HeaderLength = 0x201, // u8, the header ends at 0x202 + this
  Magic = 0x202, // u32 HEADER_MAGIC
  Version = 0x206, // u16
  TypeOfLoader = 0x210, // u8
  LoadFlags = 0x211, // u8 LoadFlag
  Code32Start = 0x214, // u32
  RamDiskImage = 0x218, // u32
  RamDiskSize = 0x21c, // u32
  CommandLinePointer = 0x228, // u32
  RamDiskAddressMaximum = 0x22c, // u32, highest address of the last byte
  ExtendedLoadFlags = 0x236, // u16 ExtendedLoadFlag
  CommandLineSize = 0x238, // u32, without the terminating zero
  PreferredAddress = 0x258, // u64
  InitSize = 0x260, // u32, memory needed from the load address on
  /** First byte after the fields that protocol 2.12 must have. */
  RequiredEnd = 0x264,
  /** First byte that does not belong to the header in boot_params. */
  End = 0x290,
}

export const enum LoadFlag { LoadedHigh = 1 << 0 }
export const enum ExtendedLoadFlag { Kernel64 = 1 << 0 }

export const BOOT_FLAG: u16 = 0xaa55;
export const HEADER_MAGIC: u32 = 0x53726448; // "HdrS"
export const MINIMUM_VERSION: u16 = 0x20c;
/** A loader without an assigned number. */
export const UNDEFINED_LOADER: u8 = 0xff;
export const NORMAL_VIDEO_MODE: u16 = 0xffff;
/** The 64-bit entry point, from the load address. */
export const ENTRY_64_OFFSET: u64 = 0x200;
