// Registers and structures of a virtio block device behind PCI (virtio 1.2; section numbers are its own).

/** The first page of BAR 0 holds what the capabilities point to; the MSI-X table follows in the second one. */
export const enum Region {
  Common = 0x000,
  Isr = 0x100,
  Device = 0x200,
  Notify = 0x300,
  Size = 0x1000, // of the page that these share
  MessageTable = 0x1000,
  MessagePending = 0x1800,
}

/** Bytes of BAR 0. */
export const DISK_BAR_SIZE: u64 = 0x2000;

/** Common configuration structure (4.1.4.3), by 32-bit words; two fields of 16 bits share one. */
export const enum Common {
  DeviceFeatureSelect = 0x00,
  DeviceFeature = 0x04,
  DriverFeatureSelect = 0x08,
  DriverFeature = 0x0c,
  ConfigVector = 0x10, // config_msix_vector, num_queues
  Status = 0x14, // device_status, config_generation, queue_select
  QueueSize = 0x18, // queue_size, queue_msix_vector
  QueueEnable = 0x1c, // queue_enable, queue_notify_off
  QueueAddresses = 0x20, // queue_desc, queue_driver, queue_device, 64 bits each
  Size = 0x38,
}

/** Device status (2.1). */
export const enum DeviceStatus {
  DriverOk = 4,
  FeaturesOk = 8,
  NeedsReset = 64,
}

/** Feature bits 0 to 31 (5.2.3, 6). */
export const enum Feature {
  SegmentMaximum = 1 << 2, // VIRTIO_BLK_F_SEG_MAX
  ReadOnly = 1 << 5, // VIRTIO_BLK_F_RO
  BlockSize = 1 << 6, // VIRTIO_BLK_F_BLK_SIZE
  Flush = 1 << 9, // VIRTIO_BLK_F_FLUSH
  IndirectDescriptors = 1 << 28, // VIRTIO_F_INDIRECT_DESC
}

/** Feature bits 32 to 63 (6). */
export const enum HighFeature {
  Version1 = 1 << 0, // VIRTIO_F_VERSION_1
}

/** ISR status (4.1.4.5). */
export const enum Isr {
  Queue = 1 << 0,
  Configuration = 1 << 1,
}

/** VIRTIO_MSI_NO_VECTOR (4.1.5.1.2). */
export const NO_VECTOR: u32 = 0xffff;
/** MSI-X entries: one for the configuration and one for the queue. */
export const MESSAGES: u32 = 2;

/** Descriptor (2.7.5). */
export const enum Descriptor {
  Address = 0x0, // u64
  Length = 0x8, // u32
  Flags = 0xc, // u16
  Next = 0xe, // u16
  Size = 0x10,
}

export const enum DescriptorFlag {
  Next = 1 << 0,
  Write = 1 << 1,
  Indirect = 1 << 2,
}

/** Configuration of a block device (5.2.4), by 32-bit words. */
export const enum BlockConfiguration {
  Capacity = 0x00, // 64 bits
  SegmentMaximum = 0x0c,
  BlockSize = 0x14,
}

/** Bytes of the configuration up to the last field that a feature offers. */
export const BLOCK_CONFIGURATION_SIZE: u32 = 0x18;

/** Request types (5.2.6). */
export const enum RequestType {
  In = 0,
  Out = 1,
  Flush = 4,
  GetId = 8,
}

export const enum RequestStatus {
  Ok = 0,
  IoError = 1,
  Unsupported = 2,
}
