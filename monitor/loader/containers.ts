// Files that the policy compiler (scripts/policy) makes for the loader: the modules of a multiboot image in one bundle,
// and a flat binary behind a header that says where it goes. Little-endian; offsets count from the start of the file.

export const BUNDLE_MAGIC: u32 = 0x4d444e42; // "BNDM"
/** Bounds the work, and the room for what describes them. */
export const MAXIMUM_MODULES: u32 = 32;

export const enum Bundle {
  Magic = 0x00, // u32
  Count = 0x04, // u32 modules
  Records = 0x10, // a record a module, then command lines and contents
}

/** One module's record. All u64; a command line has no terminator. */
export const enum BundleRecord {
  Offset = 0x00,
  Length = 0x08,
  TextOffset = 0x10,
  TextLength = 0x18,
  Size = 0x20,
}

export const FLAT_MAGIC: u32 = 0x54414c46; // "FLAT"

export const enum Flat {
  Magic = 0x00, // u32
  Mode = 0x04, // u32 FlatMode
  Address = 0x08, // u64
  Entry = 0x10, // u64
  Content = 0x20, // the binary
}

/** Mode of the processor at the entry point, in bits. */
export const enum FlatMode { Real = 16, Protected = 32, Long = 64 }
