// CAP and ECAP of a simulated remapping unit, VT-d 4.1 11.4.2 and 11.4.3. Without fields they are those of QEMU 7.2 with aw-bits=48.

export interface CapabilityFields {
  /** ND: 2^(4 + 2 * ND) domains. */
  domains?: number;
  /** SAGAW: bit n for tables of n + 2 levels. */
  widths?: number;
  /** Bits of the largest device address (MGAW + 1). */
  guestWidth?: number;
  writeBufferFlush?: boolean;
  protectedMemory?: boolean;
  cachingMode?: boolean;
  /** Offset of the first fault recording register, a multiple of 16. */
  faultOffset?: number;
  /** SLLPS: bit 0 2 MiB, bit 1 1 GiB. */
  largePages?: number;
  pageSelective?: boolean;
  /** Fault recording registers, from 1 to 256. */
  faultRecords?: number;
  maximumAddressMask?: number;
  drains?: boolean;
  posted?: boolean;
  /** Setting the root or the interrupt table pointer drops what is cached (ESRTPS, ESIRTPS). */
  pointersInvalidate?: boolean;
}

export interface ExtendedFields {
  coherent?: boolean;
  queue?: boolean;
  deviceTlb?: boolean;
  interrupts?: boolean;
  /** EIM: x2APIC identifiers. */
  extendedInterrupts?: boolean;
  passThrough?: boolean;
  snoopControl?: boolean;
  /** Offset of the IVA register, a multiple of 16. */
  tlbOffset?: number;
  maximumHandleMask?: number;
  /** DIT: device TLB descriptors name the physical function. */
  pacedDeviceTlb?: boolean;
  scalable?: boolean;
  /** SLTS. */
  secondLevel?: boolean;
}

function bit(position: number, value: boolean): bigint {
  return value ? 1n << BigInt(position) : 0n;
}

function field(position: number, value: number): bigint {
  return BigInt(value) << BigInt(position);
}

export function capability(fields: CapabilityFields = {}): bigint {
  const drains = fields.drains ?? true;
  const protects = fields.protectedMemory ?? false;
  const invalidates = fields.pointersInvalidate ?? false;
  return [
    field(0, fields.domains ?? 6),
    bit(4, fields.writeBufferFlush ?? false),
    bit(5, protects),
    bit(6, protects),
    bit(7, fields.cachingMode ?? false),
    field(8, fields.widths ?? 6),
    field(16, (fields.guestWidth ?? 48) - 1),
    field(24, (fields.faultOffset ?? 0x220) >> 4),
    field(34, fields.largePages ?? 3),
    bit(39, fields.pageSelective ?? true),
    field(40, (fields.faultRecords ?? 1) - 1),
    field(48, fields.maximumAddressMask ?? 18),
    bit(54, drains),
    bit(55, drains),
    bit(59, fields.posted ?? false),
    bit(62, invalidates),
    bit(63, invalidates),
  ].reduce((all, one) => all | one);
}

export function extendedCapability(fields: ExtendedFields = {}): bigint {
  return [
    bit(0, fields.coherent ?? false),
    bit(1, fields.queue ?? true),
    bit(2, fields.deviceTlb ?? false),
    bit(3, fields.interrupts ?? true),
    bit(4, fields.extendedInterrupts ?? false),
    bit(6, fields.passThrough ?? true),
    bit(7, fields.snoopControl ?? false),
    field(8, (fields.tlbOffset ?? 0xf0) >> 4),
    field(20, fields.maximumHandleMask ?? 15),
    bit(41, fields.pacedDeviceTlb ?? false),
    bit(43, fields.scalable ?? false),
    bit(46, fields.secondLevel ?? fields.scalable ?? false),
  ].reduce((all, one) => all | one);
}

/** Bits `high` to `low` of a register or entry. */
export function bits(value: bigint, high: number, low: number): number {
  return Number((value >> BigInt(low)) & ((1n << BigInt(high - low + 1)) - 1n));
}

/** The same where it may have more than 53 bits. */
export function wideBits(value: bigint, high: number, low: number): bigint {
  return (value >> BigInt(low)) & ((1n << BigInt(high - low + 1)) - 1n);
}
