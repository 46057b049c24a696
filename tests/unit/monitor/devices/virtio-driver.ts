// A driver of the virtual disk, as a guest has one: it finds the structures by the capabilities and keeps the rings.

import { type MonitorOptions, type SimulatedPartition, startPartition } from "../harness.ts";
import { COMMAND, configRead, configWrite } from "./pci-functions.ts";

export const DISK_DEVICE = 2;
export const SECTOR = 512;
/** Where the driver keeps its rings: queue size 8 unless told otherwise. */
export const DESCRIPTORS = 0x10000;
export const AVAILABLE = 0x12000;
export const USED = 0x13000;
/** Free for requests. */
export const BUFFERS = 0x20000;
export const VECTOR = { configuration: 0x61, queue: 0x62 };

export const STATUS = { acknowledge: 1, driver: 2, driverOk: 4, featuresOk: 8, needsReset: 64 };
export const REQUEST = { in: 0, out: 1, flush: 4, getId: 8 };
export const RESULT = { ok: 0, ioError: 1, unsupported: 2 };
export const FLAG = { next: 1, write: 2, indirect: 4 };
export const FEATURE = { segmentMaximum: 1 << 2, readOnly: 1 << 5, blockSize: 1 << 6, flush: 1 << 9, indirect: 1 << 28 };

const APIC = 0xfee0_0000n;
const BUS_MASTER_AND_MEMORY = 6;
const VENDOR_SPECIFIC = 0x09;
const MSIX = 0x11;

/** Offsets in the common configuration. */
export const COMMON = {
  deviceFeatureSelect: 0x00, deviceFeature: 0x04, driverFeatureSelect: 0x08, driverFeature: 0x0c, configVector: 0x10, queues: 0x12, status: 0x14,
  queueSelect: 0x16, queueSize: 0x18, queueVector: 0x1a, queueEnable: 0x1c, descriptors: 0x20, available: 0x28, used: 0x30,
};

export interface Segment {
  address: number | bigint;
  length: number;
  isWritable: boolean;
}

export class DiskDriver {
  /** Guest-physical addresses by cfg_type: 1 common, 2 notification, 3 ISR, 4 device. */
  readonly structures = new Map<number, bigint>();
  queueSize = 8;
  #submitted = 0;
  #seen = 0;

  constructor(readonly partition: SimulatedPartition) {
    this.findStructures();
  }

  get bar(): bigint {
    return BigInt((this.config(0x10) & ~0xf) >>> 0);
  }

  config(register: number): number {
    return configRead(this.partition, DISK_DEVICE, register);
  }

  configWrite(register: number, value: number): void {
    configWrite(this.partition, DISK_DEVICE, register, value);
  }

  /** Offsets of all capabilities with this ID. */
  capabilities(id: number): number[] {
    const found: number[] = [];
    let offset = this.config(0x34) & 0xff;
    for (let count = 0; offset !== 0 && count < 48; count++) {
      const header = this.config(offset);
      if ((header & 0xff) === id) found.push(offset);
      offset = (header >>> 8) & 0xff;
    }
    return found;
  }

  findStructures(): void {
    this.structures.clear();
    for (const offset of this.capabilities(VENDOR_SPECIFIC)) this.structures.set(this.config(offset) >>> 24, this.bar + BigInt(this.config(offset + 8)));
  }

  read(structure: number, offset: number, size: number): number {
    return Number(BigInt.asUintN(size * 8, this.partition.monitor.memoryRead(0, this.structures.get(structure)! + BigInt(offset), size)));
  }

  write(structure: number, offset: number, size: number, value: number): void {
    this.partition.monitor.memoryWrite(0, this.structures.get(structure)! + BigInt(offset), size, BigInt(value));
  }

  get status(): number {
    return this.read(1, COMMON.status, 1);
  }

  get needsReset(): boolean {
    return (this.status & STATUS.needsReset) !== 0;
  }

  setStatus(value: number): void {
    this.write(1, COMMON.status, 1, value);
  }

  features(word: number): number {
    this.write(1, COMMON.deviceFeatureSelect, 4, word);
    return this.read(1, COMMON.deviceFeature, 4);
  }

  acceptFeatures(low: number, high: number): void {
    for (const [word, value] of [low, high].entries()) {
      this.write(1, COMMON.driverFeatureSelect, 4, word);
      this.write(1, COMMON.driverFeature, 4, value >>> 0);
    }
  }

  /** Initialises the device as virtio 1.2 3.1.1 says, with MSI-X. */
  initialise(options: { features?: number; size?: number } = {}): void {
    this.queueSize = options.size ?? 8;
    this.#submitted = 0;
    this.#seen = 0;
    this.partition.lowMemory.fill(0, DESCRIPTORS, BUFFERS);
    this.configWrite(COMMAND, BUS_MASTER_AND_MEMORY);
    this.findStructures();
    this.programMessages();
    this.setStatus(0);
    this.setStatus(STATUS.acknowledge | STATUS.driver);
    this.acceptFeatures(options.features ?? this.features(0), 1);
    this.setStatus(STATUS.acknowledge | STATUS.driver | STATUS.featuresOk);
    this.write(1, COMMON.configVector, 2, 0);
    this.write(1, COMMON.queueSelect, 2, 0);
    this.write(1, COMMON.queueSize, 2, this.queueSize);
    this.write(1, COMMON.queueVector, 2, 1);
    for (const [field, address] of [[COMMON.descriptors, DESCRIPTORS], [COMMON.available, AVAILABLE], [COMMON.used, USED]] as const) {
      this.write(1, field, 4, address);
      this.write(1, field + 4, 4, 0);
    }
    this.write(1, COMMON.queueEnable, 2, 1);
    this.setStatus(STATUS.acknowledge | STATUS.driver | STATUS.featuresOk | STATUS.driverOk);
  }

  programMessages(): void {
    const [capability = 0] = this.capabilities(MSIX);
    const table = this.bar + BigInt(this.config(capability + 4) & ~7);
    this.partition.write32(APIC + 0xf0n, 0x1ff);
    for (const [entry, vector] of [VECTOR.configuration, VECTOR.queue].entries()) {
      const at = table + BigInt(entry * 16);
      this.partition.write32(at, 0xfee0_0000);
      this.partition.write32(at + 8n, vector);
      this.partition.write32(at + 12n, 0);
    }
    this.configWrite(capability, 0x8000_0000);
  }

  get memory(): Buffer {
    return this.partition.lowMemory;
  }

  putDescriptor(index: number, address: number | bigint, length: number, flags: number, next = 0, table = DESCRIPTORS): void {
    const at = table + index * 16;
    this.memory.writeBigUInt64LE(BigInt.asUintN(64, BigInt(address)), at);
    this.memory.writeUInt32LE(length, at + 8);
    this.memory.writeUInt16LE(flags, at + 12);
    this.memory.writeUInt16LE(next, at + 14);
  }

  /** Lays segments out as descriptors `first` and following of a table. */
  putChain(segments: Segment[], first = 0, table = DESCRIPTORS): void {
    for (const [index, { address, length, isWritable }] of segments.entries()) {
      const isLast = index === segments.length - 1;
      this.putDescriptor(first + index, address, length, (isWritable ? FLAG.write : 0) | (isLast ? 0 : FLAG.next), isLast ? 0 : first + index + 1, table);
    }
  }

  /** Puts a chain into the available ring without a notification. */
  offer(head: number): void {
    this.memory.writeUInt16LE(head, AVAILABLE + 4 + 2 * (this.#submitted % this.queueSize));
    this.#submitted = (this.#submitted + 1) & 0xffff;
    this.memory.writeUInt16LE(this.#submitted, AVAILABLE + 2);
  }

  notify(): void {
    this.write(2, 0, 2, 0);
  }

  /** Takes what the device has used. */
  takeUsed(): { head: number; length: number }[] {
    const taken: { head: number; length: number }[] = [];
    for (const end = this.memory.readUInt16LE(USED + 2); this.#seen !== end; this.#seen = (this.#seen + 1) & 0xffff) {
      const at = USED + 4 + 8 * (this.#seen % this.queueSize);
      taken.push({ head: this.memory.readUInt32LE(at), length: this.memory.readUInt32LE(at + 4) });
    }
    return taken;
  }

  putHeader(type: number, sector: number | bigint, at = BUFFERS): void {
    this.memory.writeUInt32LE(type, at);
    this.memory.writeUInt32LE(0, at + 4);
    this.memory.writeBigUInt64LE(BigInt(sector), at + 8);
  }

  /** One request with header, data and status in a segment each; returns its status, undefined if it was not answered. */
  request(type: number, sector: number | bigint, data: { length: number; address?: number | bigint; isWritable?: boolean }): number | undefined {
    const { length, address = BUFFERS + 0x1000, isWritable = type !== REQUEST.out } = data;
    const status = BUFFERS + 0x100;
    this.putHeader(type, sector);
    this.memory[status] = 0xee;
    const middle = length === 0 ? [] : [{ address, length, isWritable }];
    this.putChain([{ address: BUFFERS, length: 16, isWritable: false }, ...middle, { address: status, length: 1, isWritable: true }]);
    this.offer(0);
    this.notify();
    return this.takeUsed().length === 1 ? this.memory[status] : undefined;
  }

  /** Bytes that requests read to and write from by default. */
  get data(): Buffer {
    return this.memory.subarray(BUFFERS + 0x1000);
  }
}

/** Sector n is filled with bytes that tell it from others. */
export function patternDisk(sectors: number): Buffer {
  return Buffer.from(Array.from({ length: sectors * SECTOR }, (_, index) => ((index >> 9) * 7 + index) & 0xff));
}

export async function startWithDisk(options: MonitorOptions = {}): Promise<DiskDriver> {
  return new DiskDriver(await startPartition({ disk: patternDisk(64), ...options }));
}
