// Configuration registers that a virtual function has: offsets of the 32-bit registers, and their fields.

/** Type 0 header (PCI 3.0 6.1). */
export const enum Header {
  Identity = 0x00, // Vendor ID, Device ID
  Command = 0x04, // Command, Status
  ClassRevision = 0x08, // Revision ID, Class Code
  CacheLine = 0x0c, // Cache Line Size, Latency Timer, Header Type, BIST
  BaseAddress = 0x10, // six Base Address Registers
  Subsystem = 0x2c, // Subsystem Vendor ID, Subsystem ID
  CapabilitiesPointer = 0x34,
  InterruptLine = 0x3c, // Interrupt Line, Interrupt Pin, Min_Gnt, Max_Lat
}

/** Command in bits 15:0 (PCI 3.0 6.2.2), Status in bits 31:16 (6.2.3). */
export const enum Command {
  IoSpace = 1 << 0,
  MemorySpace = 1 << 1,
  BusMaster = 1 << 2,
  ParityErrorResponse = 1 << 6,
  SerrEnable = 1 << 8,
  InterruptDisable = 1 << 10,
  InterruptStatus = 1 << 19, // Status bit 3
  CapabilitiesList = 1 << 20, // Status bit 4
}

/** Base address register (PCI 3.0 6.2.5.1). */
export const enum BaseAddress {
  Io = 1 << 0,
  Wide = 1 << 2, // 64 bits
  IoFlags = 0x3,
  MemoryFlags = 0xf,
}

/** Capability IDs (PCI Code and ID Assignment 2). */
export const enum CapabilityId {
  PowerManagement = 0x01,
  Msi = 0x05,
  MsiX = 0x11,
  AdvancedFeatures = 0x13,
}

/** Where each capability lies, if the function has it. */
export const enum Capability {
  PowerManagement = 0x40,
  Msi = 0x50,
  MsiX = 0x70,
  AdvancedFeatures = 0x80,
}

/** PCI Power Management 1.2 3.2. */
export const enum PowerManagement {
  Version = 3 << 16, // PMC: this specification, no D1, no D2, no PME#
  Control = Capability.PowerManagement + 4, // PMCSR
  PowerState = 0x3,
  D3Hot = 0x3,
  NoSoftReset = 1 << 3,
}

/** PCI 3.0 6.8.1: one message, 64-bit address, per-vector masking. */
export const enum Msi {
  Control = Capability.Msi, // Message Control in bits 31:16
  Enable = 1 << 16,
  AddressCapable64 = 1 << 23,
  PerVectorMasking = 1 << 24,
  Address = Capability.Msi + 0x04,
  UpperAddress = Capability.Msi + 0x08,
  Data = Capability.Msi + 0x0c,
  DataWritable = 0xffff,
  Mask = Capability.Msi + 0x10,
  Pending = Capability.Msi + 0x14,
  Vector = 1 << 0, // in Mask and Pending
}

/** PCI 3.0 6.8.2. */
export const enum MsiX {
  Control = Capability.MsiX, // Message Control in bits 31:16
  TableSizeShift = 16, // N - 1
  FunctionMask = 1 << 30,
  Enable = 1 << 31,
  Table = Capability.MsiX + 0x04,
  Pending = Capability.MsiX + 0x08,
  Bir = 0x7, // in Table and Pending
}

/** PCI Advanced Capabilities ECN, Advanced Features. */
export const enum AdvancedFeatures {
  Length = 6 << 16,
  TransactionsPending = 1 << 24,
  FunctionLevelReset = 1 << 25,
  Control = Capability.AdvancedFeatures + 4, // AF Control, AF Status
  InitiateReset = 1 << 0, // reads 0
}

/** Message Address bits 1:0 read 0 (PCI 3.0 6.8.1.4, 6.8.2.7). */
export const MESSAGE_ADDRESS_WRITABLE: u32 = 0xfffffffc;
