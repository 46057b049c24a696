// Registers of PCI configuration space: offsets and bits, with the section of PCI 3.0 or PCIe 5.0.

/** Header, PCI 3.0 6.1; bridges, PCI-to-PCI Bridge 1.2 3.2. */
export const enum Header {
  VendorId = 0x00, // u16, device id in the upper half of the u32
  Command = 0x04, // u16
  Status = 0x06, // u16
  ClassRevision = 0x08, // u32, revision in bits 7:0
  CacheLine = 0x0c, // u32 with latency timer, header type and BIST
  HeaderType = 0x0e, // u8
  BaseAddress = 0x10, // u32 each
  CardBusCapabilities = 0x14, // u8
  SecondaryBus = 0x19, // u8
  SubordinateBus = 0x1a, // u8
  Capabilities = 0x34, // u8
  BridgeControl = 0x3e, // u16
  Size = 0x40,
}

/** Command register, PCI 3.0 6.2.2. */
export const enum Command {
  IoSpace = 1 << 0,
  MemorySpace = 1 << 1,
  BusMaster = 1 << 2,
  InterruptDisable = 1 << 10,
}

/** Status register, PCI 3.0 6.2.3. */
export const enum Status {
  CapabilitiesList = 1 << 4,
}

/** Bridge control, PCI-to-PCI Bridge 1.2 3.2.5.18. */
export const enum BridgeControl {
  SecondaryBusReset = 1 << 6,
}

/** Header type, PCI 3.0 6.2.1: layout in bits 6:0. */
export const enum HeaderLayout {
  Function = 0,
  Bridge = 1,
  CardBus = 2,
  Mask = 0x7f,
  MultiFunction = 0x80,
}

/** Capability ids, PCI Code and ID Assignment 1.11 2. */
export const enum CapabilityId {
  PowerManagement = 0x01,
  Msi = 0x05,
  Express = 0x10,
  MsiX = 0x11,
  AdvancedFeatures = 0x13,
}

/** Extended capability ids, the same document, 3. */
export const enum ExtendedId {
  AccessControl = 0x000d, // ACS
  AddressTranslation = 0x000f, // ATS
  SingleRootVirtualization = 0x0010, // SR-IOV
  PageRequest = 0x0013, // PRI
  ResizableBar = 0x0015,
  ProcessAddressSpace = 0x001b, // PASID
}

/** PCI Express capability, PCIe 5.0 7.5.3. */
export const enum Express {
  Capabilities = 0x02, // u16, device/port type in bits 7:4
  DeviceCapabilities = 0x04, // u32
  DeviceControl = 0x08, // u16
  DeviceStatus = 0x0a, // u16
  LinkControl = 0x10, // u16
  DeviceControl2 = 0x28, // u16
  LinkControl2 = 0x30, // u16
}

/** Device/port type, PCIe 5.0 7.5.3.2. */
export const enum ExpressType {
  RootPort = 4,
  UpstreamPort = 5,
  DownstreamPort = 6,
  ExpressToPciBridge = 7,
  /** No PCI Express capability. */
  None = 0xff,
}

/** Device Capabilities, PCIe 5.0 7.5.3.3. */
export const enum DeviceCapability {
  FunctionLevelReset = 1 << 28,
}

/** Device Control, PCIe 5.0 7.5.3.4. */
export const enum DeviceControl {
  PhantomFunctionsEnable = 1 << 9,
  InitiateFunctionLevelReset = 1 << 15,
}

/** Device Status, PCIe 5.0 7.5.3.5. */
export const enum DeviceStatus {
  TransactionsPending = 1 << 5,
}

/** Device Control 2, PCIe 5.0 7.5.3.16. */
export const enum DeviceControl2 {
  AriForwardingEnable = 1 << 5,
}
