// Layout of the DMA Remapping Reporting table, VT-d 4.1 chapter 8. Offsets are bytes.

export const DMAR: u32 = 0x52414d44; // "DMAR"

/** DMA Remapping Reporting Structure, 8.1. */
export const enum Table {
  Length = 4, // u32
  HostAddressWidth = 36, // u8, bits less one
  Flags = 37, // u8
  Structures = 48,
}

export const enum TableFlag {
  INTR_REMAP = 1,
}

/** Remapping structure types, 8.2. */
export const enum StructureType {
  DRHD = 0,
  RMRR = 1,
  ATSR = 2,
  RHSA = 3,
  ANDD = 4,
  SATC = 5,
}

/** What every remapping structure starts with, 8.2. */
export const enum Structure {
  Length = 2, // u16, behind the u16 of the type
  Segment = 6, // u16, in those that have one
  Size = 4,
}

/** DMA Remapping Hardware Unit Definition, 8.3. */
export const enum Drhd {
  Flags = 4, // u8
  Size = 5, // u8, bits 3:0: the registers take 2^n pages
  Registers = 8, // u64
  Scopes = 16,
}

export const enum DrhdFlag {
  INCLUDE_PCI_ALL = 1,
}

/** Reserved Memory Region Reporting, 8.4. */
export const enum Rmrr {
  Base = 8, // u64
  Limit = 16, // u64, last byte
  Scopes = 24,
}

/** Root Port ATS Capability Reporting, 8.5, and SoC Integrated Address Translation Cache Reporting, 8.8. */
export const enum Atsr {
  Flags = 4, // u8
  Scopes = 8,
}

/** Remapping Hardware Static Affinity, 8.6. */
export const enum Rhsa {
  Registers = 8, // u64
  ProximityDomain = 16, // u32
}

/** Device scope, 8.3.1. */
export const enum Scope {
  Length = 1, // u8, behind the u8 of the kind
  EnumerationId = 4, // u8
  Bus = 5, // u8
  Path = 6, // pairs of u8: device, function
}
