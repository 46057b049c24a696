// One PCI function of the simulated machine: its configuration space with what software may change, its capabilities,
// and what a reset does to it.

/** Source id of "bus:device.function", all hexadecimal. */
export function sourceId(address: string): number {
  const [, bus, device, number] = /^([\da-f]+):([\da-f]+)\.(\d)$/i.exec(address) ?? [];
  if (bus === undefined || device === undefined || number === undefined) throw new Error(`${address} is no PCI address`);
  return (Number.parseInt(bus, 16) << 8) | (Number.parseInt(device, 16) << 3) | Number(number);
}

export interface FunctionOptions {
  segment?: number;
  vendor?: number;
  device?: number;
  /** 24 bits. */
  classCode?: number;
  multiFunction?: boolean;
}

const COMMAND = 0x04;
const EXPRESS = 0x10;
const ADVANCED_FEATURES = 0x13;
const POWER_MANAGEMENT = 0x01;

export class SimulatedFunction {
  readonly segment: number;
  readonly sourceId: number;
  readonly bytes = Buffer.alloc(4096);
  /** Bits that software can change. */
  readonly writable = Buffer.alloc(4096);
  /** Kinds of reset that it went through, in order. */
  readonly resets: string[] = [];
  /** Milliseconds after a reset in which it must be left alone; accesses in that time are counted. */
  quietTime = 100;
  tooEarly = 0;
  /** Reads of the vendor id after a reset that are told to come again, and what they give. */
  busyReads = 0;
  busyAnswer = 0xffff_ffff;
  /** Reads of the status that show pending transactions. */
  pendingReads = 0;
  /** Times a BAR took all ones while the function decoded memory or ports. */
  sizedWhileDecoding = 0;
  /** Command register at the moment of each reset. */
  readonly commandsAtReset: number[] = [];
  /** Runs when the bridge control of a bridge starts a reset of the bus behind it. */
  onBusReset: () => void = () => {};
  private readonly offsets = new Map<number, number>();
  private lastCapability = 0x34;
  private nextCapability = 0x40;
  private lastExtended = 0;
  private nextExtended = 0x100;
  private busy = 0;
  private quietUntil = 0;

  /** `address` as "00:04.0"; `milliseconds` gives the machine's time. */
  constructor(address: string, options: FunctionOptions = {}, private readonly milliseconds: () => number = () => 0) {
    this.segment = options.segment ?? 0;
    this.sourceId = sourceId(address);
    this.bytes.writeUInt16LE(options.vendor ?? 0x8086, 0);
    this.bytes.writeUInt16LE(options.device ?? 0x1234, 2);
    this.bytes.writeUInt32LE(((options.classCode ?? 0xff_0000) << 8) >>> 0, 8);
    if (options.multiFunction === true) this.bytes[0x0e] = 0x80;
    this.writable.writeUInt16LE(0x0547, COMMAND);
    this.writable[0x0c] = 0xff;
    this.writable[0x3c] = 0xff;
  }

  /** Offset of a capability or extended capability that was added. */
  offset(id: number): number {
    const offset = this.offsets.get(id);
    if (offset === undefined) throw new Error(`no capability 0x${id.toString(16)}`);
    return offset;
  }

  /** Appends a capability: `body` follows its two-byte header, `writable` are the bits of it that can be changed. */
  capability(id: number, body: Uint8Array, writable: Uint8Array = new Uint8Array(body.length)): this {
    const offset = this.nextCapability;
    this.bytes[0x06]! |= 0x10;
    this.bytes[this.lastCapability === 0x34 ? 0x34 : this.lastCapability + 1] = offset;
    this.bytes[offset] = id;
    this.bytes.set(body, offset + 2);
    this.writable.set(writable, offset + 2);
    this.lastCapability = offset;
    this.nextCapability = (offset + 2 + body.length + 3) & ~3;
    this.offsets.set(id, offset);
    return this;
  }

  /** Appends an extended capability: `body` follows its four-byte header. The numbers of its offset() have bit 16 set. */
  extended(id: number, body: Uint8Array, writable: Uint8Array = new Uint8Array(body.length)): this {
    const offset = this.nextExtended;
    if (this.lastExtended !== 0) this.bytes.writeUInt16LE(((offset << 4) | 1) & 0xffff, this.lastExtended + 2);
    this.bytes.writeUInt32LE(0x1_0000 | id, offset);
    this.bytes.set(body, offset + 4);
    this.writable.set(writable, offset + 4);
    this.lastExtended = offset;
    this.nextExtended = (offset + 4 + body.length + 3) & ~3;
    this.offsets.set(0x1_0000 | id, offset);
    return this;
  }

  /** A BAR with address bits from `size` (a power of two) up. A 64-bit one takes two registers. */
  bar(index: number, size: number, address: number, flags = 0): this {
    const at = 0x10 + 4 * index;
    const mask = BigInt.asUintN(64, -BigInt(size));
    const value = BigInt(address) | BigInt(flags);
    this.bytes.writeUInt32LE(Number(value & 0xffff_ffffn), at);
    this.writable.writeUInt32LE(Number(mask & 0xffff_ffffn), at);
    if ((flags & 5) !== 4) return this;
    this.bytes.writeUInt32LE(Number(value >> 32n), at + 4);
    this.writable.writeUInt32LE(Number(mask >> 32n), at + 4);
    return this;
  }

  /** Makes a bridge of it. */
  bridge(secondary: number, subordinate = secondary): this {
    this.bytes[0x0e]! |= 1;
    this.bytes[0x19] = secondary;
    this.bytes[0x1a] = subordinate;
    this.writable.fill(0xff, 0x18, 0x1b);
    this.writable[0x3e] = 0x40;
    return this;
  }

  read(offset: number, size: number): number {
    this.noteAccess();
    if (offset < 4 && this.busy > 0) {
      this.busy--;
      return (this.busyAnswer >>> (8 * offset)) >>> 0;
    }
    this.showPending(offset, size);
    return this.bytes.readUIntLE(offset, size);
  }

  write(offset: number, size: number, value: number): void {
    this.noteAccess();
    if (offset >= 0x10 && offset < 0x28 && value === 0xffff_ffff && (this.bytes[COMMAND]! & 3) !== 0) this.sizedWhileDecoding++;
    const before = Buffer.from(this.bytes);
    for (let i = 0; i < size; i++) {
      const mask = this.writable[offset + i]!;
      this.bytes[offset + i] = (before[offset + i]! & ~mask) | ((value >>> (8 * i)) & mask);
    }
    this.startResets(before, offset, size, value);
  }

  /** All that software wrote is gone. */
  reset(kind: string): void {
    this.resets.push(kind);
    this.commandsAtReset.push(this.bytes.readUInt16LE(COMMAND));
    for (let i = 0; i < this.bytes.length; i++) this.bytes[i]! &= ~this.writable[i]!;
    this.busy = this.busyReads;
    this.quietUntil = this.milliseconds() + this.quietTime;
  }

  private noteAccess(): void {
    if (this.milliseconds() < this.quietUntil) this.tooEarly++;
  }

  private showPending(offset: number, size: number): void {
    const express = this.offsets.get(EXPRESS);
    const advanced = this.offsets.get(ADVANCED_FEATURES);
    if (express !== undefined && touches(offset, size, express + 0x0a)) this.setPending(express + 0x0a, 0x20);
    if (advanced !== undefined && touches(offset, size, advanced + 0x05)) this.setPending(advanced + 0x05, 0x01);
  }

  private setPending(at: number, bit: number): void {
    this.bytes[at] = (this.bytes[at]! & ~bit) | (this.pendingReads > 0 ? bit : 0);
    if (this.pendingReads > 0) this.pendingReads--;
  }

  private startResets(before: Buffer, offset: number, size: number, value: number): void {
    const written = (at: number): number => (touches(offset, size, at) ? (value >>> (8 * (at - offset))) & 0xff : 0);
    const express = this.offsets.get(EXPRESS);
    if (express !== undefined && (this.bytes[express + 7]! & 0x10) !== 0 && (written(express + 9) & 0x80) !== 0) this.reset("FLR");
    const advanced = this.offsets.get(ADVANCED_FEATURES);
    if (advanced !== undefined && (written(advanced + 4) & 1) !== 0) this.reset("AF");
    const power = this.offsets.get(POWER_MANAGEMENT);
    if (power !== undefined && touches(offset, size, power + 4)) this.changePower(before[power + 4]!, this.bytes[power + 4]!);
    if (touches(offset, size, 0x3e) && (before[0x3e]! & 0x40) === 0 && (this.bytes[0x3e]! & 0x40) !== 0) this.onBusReset();
  }

  private changePower(before: number, after: number): void {
    if ((before & 3) === (after & 3)) return;
    if ((before & 3) === 3 && (after & 8) === 0) this.reset("D3");
    this.quietUntil = Math.max(this.quietUntil, this.milliseconds() + 10);
  }
}

function touches(offset: number, size: number, at: number): boolean {
  return at >= offset && at < offset + size;
}
