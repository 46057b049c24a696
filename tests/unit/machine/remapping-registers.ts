// Registers of a simulated remapping unit, VT-d 4.1 chapter 11. A command takes some reads of registers before it is done, so
// that software which does not wait is found out.

import { bits } from "./remapping-capability.ts";
import { RemappingCaches } from "./remapping-caches.ts";
import { RemappingFaults } from "./remapping-faults.ts";
import { RemappingQueue } from "./remapping-queue.ts";
import type { DeviceRegion, PhysicalMemory } from "./physical-memory.ts";

export const REGISTERS_SIZE = 0x5000;

/** Bits of GCMD and GSTS. */
export const GLOBAL = {
  TE: 0x8000_0000, SRTP: 0x4000_0000, WBF: 0x0800_0000, QIE: 0x0400_0000, IRE: 0x0200_0000, SIRTP: 0x0100_0000, CFI: 0x0080_0000,
} as const;
const LASTING = [GLOBAL.TE, GLOBAL.QIE, GLOBAL.IRE, GLOBAL.CFI];

const REGISTER = {
  VER: 0x00, CAP: 0x08, ECAP: 0x10, GCMD: 0x18, GSTS: 0x1c, RTADDR: 0x20, CCMD: 0x28, FSTS: 0x34, FECTL: 0x38, FEDATA: 0x3c,
  FEADDR: 0x40, FEUADDR: 0x44, PMEN: 0x64, IQH: 0x80, IQT: 0x88, IQA: 0x90, IQERCD: 0xb0, IRTA: 0xb8,
} as const;
const BUSY = 1n << 63n;

export interface RegisterOptions {
  capability: bigint;
  extended: bigint;
  version: number;
  hostWidth: number;
  latency: number;
}

export class RemappingRegisters implements DeviceRegion {
  readonly capability: bigint;
  readonly extended: bigint;
  readonly hostWidth: number;
  readonly caches = new RemappingCaches();
  readonly faults: RemappingFaults;
  readonly queue: RemappingQueue;
  readonly protocolErrors: string[] = [];
  root = { address: 0n, isScalable: false };
  interruptTable = { address: 0n, entries: 0, isExtended: false };
  /** GSTS as a number without sign. */
  globalStatus = 0;
  /** Bits of GCMD, and "CCMD", "IOTLB" and "PMEN", that are never carried out. */
  readonly stuck = new Set<number | string>();
  /** Register invalidations are refused: CAIG and IAIG stay 0. */
  refusesRegisters = false;
  writeBufferFlushes = 0;
  private readonly raw = Buffer.alloc(REGISTERS_SIZE);
  private readonly pending: { reads: number; run: () => void }[] = [];

  constructor(readonly memory: PhysicalMemory, private readonly options: RegisterOptions) {
    this.capability = options.capability;
    this.extended = options.extended;
    this.hostWidth = options.hostWidth;
    this.faults = new RemappingFaults(bits(options.capability, 47, 40) + 1);
    this.queue = new RemappingQueue(this);
    this.raw.writeUInt32LE(options.version, REGISTER.VER);
    this.raw.writeBigUInt64LE(options.capability, REGISTER.CAP);
    this.raw.writeBigUInt64LE(options.extended, REGISTER.ECAP);
  }

  protocolError(what: string): void {
    this.protocolErrors.push(what);
  }

  get allowsCompatibility(): boolean {
    return (this.globalStatus & GLOBAL.CFI) !== 0;
  }

  private get faultOffset(): number {
    return bits(this.capability, 33, 24) << 4;
  }

  private get tlbOffset(): number {
    return bits(this.extended, 17, 8) << 4;
  }

  private isFaultRecord(offset: number): boolean {
    return offset >= this.faultOffset && offset < this.faultOffset + this.faults.records.length * 16;
  }

  read(offset: number, size: number): bigint {
    this.tick();
    if (this.isFaultRecord(offset)) return this.faults.read(offset - this.faultOffset, size);
    const live = this.live(offset);
    if (live !== undefined) return live;
    return size === 8 ? this.raw.readBigUInt64LE(offset) : BigInt(this.raw.readUIntLE(offset, size));
  }

  /** Value of a register that the unit itself changes, undefined for the others. */
  private live(offset: number): bigint | undefined {
    switch (offset) {
      case REGISTER.GSTS: return BigInt(this.globalStatus);
      case REGISTER.FSTS: return BigInt(this.faults.status);
      case REGISTER.FECTL: return BigInt(this.faults.control >>> 0);
      case REGISTER.IQH: return BigInt(this.queue.head);
      case REGISTER.IQT: return BigInt(this.queue.tail);
      case REGISTER.IQERCD: return this.queue.errorRecord;
      default: return undefined;
    }
  }

  /** Time passes: commands under way and the queue go on. */
  private tick(): void {
    this.queue.step();
    if (this.pending.length === 0) return;
    for (const one of [...this.pending]) {
      if (--one.reads > 0) continue;
      this.pending.splice(this.pending.indexOf(one), 1);
      one.run();
    }
  }

  private later(name: number | string, run: () => void): void {
    if (!this.stuck.has(name)) this.pending.push({ reads: this.options.latency, run });
  }

  write(offset: number, size: number, value: bigint): void {
    if (this.isFaultRecord(offset)) return this.faults.write(offset - this.faultOffset, size, value);
    const word = Number(value & 0xffff_ffffn);
    switch (offset) {
      case REGISTER.VER: case REGISTER.CAP: case REGISTER.ECAP: case REGISTER.GSTS: return;
      case REGISTER.FSTS: return this.faults.writeStatus(word);
      case REGISTER.FECTL: return this.faults.writeControl(word);
      case REGISTER.GCMD: return this.command(word);
    }
    if (size === 8) this.raw.writeBigUInt64LE(value, offset);
    else this.raw.writeUIntLE(word, offset, size);
    this.written(offset, word, value);
  }

  private written(offset: number, word: number, value: bigint): void {
    switch (offset) {
      case REGISTER.FEDATA: this.faults.data = word; return;
      case REGISTER.FEADDR: case REGISTER.FEUADDR: this.faults.address = this.raw.readBigUInt64LE(REGISTER.FEADDR); return;
      case REGISTER.IQT: this.queue.tail = word & 0x7fff0; return;
      case REGISTER.IQA: return this.setQueue(value);
      case REGISTER.CCMD: return this.commandContext(value);
      case REGISTER.PMEN: return this.later("PMEN", () => this.raw.writeUInt32LE(((word & 0x8000_0000) | (word >>> 31)) >>> 0, REGISTER.PMEN));
      case this.tlbOffset + 8: return this.commandTlb(value);
    }
  }

  private setQueue(value: bigint): void {
    if (this.queue.isOn) this.protocolError("IQA written while the queue is on");
    this.queue.address = value;
  }

  private command(value: number): void {
    const changed = LASTING.filter((bit) => ((value ^ this.globalStatus) & bit) !== 0);
    const shots = [GLOBAL.SRTP, GLOBAL.SIRTP, GLOBAL.WBF].filter((bit) => (value & bit) !== 0);
    if (changed.length + shots.length > 1) this.protocolError(`GCMD changes more than one bit: 0x${value.toString(16)}`);
    for (const bit of changed) this.later(bit, () => this.toggle(bit, (value & bit) !== 0));
    if (shots.includes(GLOBAL.SRTP)) this.latch(GLOBAL.SRTP, () => this.latchRoot());
    if (shots.includes(GLOBAL.SIRTP)) this.latch(GLOBAL.SIRTP, () => this.latchInterruptTable());
    if (shots.includes(GLOBAL.WBF)) this.flushWriteBuffer();
  }

  private setStatus(bit: number, on: boolean): void {
    this.globalStatus = (on ? this.globalStatus | bit : this.globalStatus & ~bit) >>> 0;
  }

  private toggle(bit: number, on: boolean): void {
    if (bit === GLOBAL.QIE) this.queue.switch(on);
    this.setStatus(bit, on);
  }

  private latch(bit: number, run: () => void): void {
    this.setStatus(bit, false);
    this.later(bit, () => {
      run();
      this.setStatus(bit, true);
    });
  }

  private latchRoot(): void {
    const value = this.raw.readBigUInt64LE(REGISTER.RTADDR);
    if ((this.globalStatus & GLOBAL.TE) !== 0 && (bits(value, 10, 10) === 1) !== this.root.isScalable) this.protocolError("mode changed while translation is on");
    this.root = { address: value & ~0xfffn, isScalable: bits(value, 10, 10) === 1 };
    if (bits(this.capability, 63, 63) === 0) return;
    this.caches.contexts.clear();
    this.caches.pasids.clear();
    this.caches.translations = [];
  }

  private latchInterruptTable(): void {
    const value = this.raw.readBigUInt64LE(REGISTER.IRTA);
    this.interruptTable = { address: value & ~0xfffn, entries: 2 ** (bits(value, 3, 0) + 1), isExtended: bits(value, 11, 11) === 1 };
    if (bits(this.capability, 62, 62) === 1) this.caches.interrupts.clear();
  }

  private flushWriteBuffer(): void {
    this.setStatus(GLOBAL.WBF, true);
    this.later(GLOBAL.WBF, () => {
      this.writeBufferFlushes++;
      this.caches.log.push("write buffer");
      this.setStatus(GLOBAL.WBF, false);
    });
  }

  /** False if registers must not be used now; such a command never ends. */
  private mayUseRegisters(): boolean {
    if (!this.queue.isOn && !this.root.isScalable) return true;
    this.protocolError("register-based invalidation with the queue on or in scalable mode");
    return false;
  }

  private commandContext(value: bigint): void {
    if ((value & BUSY) === 0n || !this.mayUseRegisters()) return;
    this.later("CCMD", () => {
      const granularity = this.refusesRegisters ? 0 : bits(value, 62, 61);
      if (granularity === 1) this.caches.allContexts();
      if (granularity === 2) this.caches.contextsOfDomain(bits(value, 15, 0));
      if (granularity === 3) this.caches.context(bits(value, 15, 0), bits(value, 31, 16), false);
      this.raw.writeBigUInt64LE((value & ~(BUSY | (3n << 59n))) | (BigInt(granularity) << 59n), REGISTER.CCMD);
    });
  }

  private commandTlb(value: bigint): void {
    if ((value & BUSY) === 0n || !this.mayUseRegisters()) return;
    const at = this.raw.readBigUInt64LE(this.tlbOffset);
    this.later("IOTLB", () => {
      const domain = bits(value, 47, 32);
      const cannot = bits(this.capability, 39, 39) === 0 || bits(at, 5, 0) > bits(this.capability, 53, 48);
      const granularity = this.refusesRegisters || (bits(value, 61, 60) === 3 && cannot) ? 0 : bits(value, 61, 60);
      if (granularity === 1) this.caches.allTranslations();
      if (granularity === 2) this.caches.translationsOfDomain(domain);
      if (granularity === 3) this.caches.pages(domain, at & ~0xfffn, bits(at, 5, 0));
      this.raw.writeBigUInt64LE((value & ~(BUSY | (3n << 57n))) | (BigInt(granularity) << 57n), this.tlbOffset + 8);
    });
  }
}
