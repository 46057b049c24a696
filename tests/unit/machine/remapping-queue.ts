// The invalidation queue of a simulated remapping unit, VT-d 4.1 6.5.2: descriptors are executed from memory, checked as hardware
// checks them, and errors can be injected.

import { bits, wideBits } from "./remapping-capability.ts";
import type { RemappingCaches } from "./remapping-caches.ts";
import { ICE, IQE, ITE, type RemappingFaults } from "./remapping-faults.ts";
import type { PhysicalMemory } from "./physical-memory.ts";

/** Types of descriptors. */
export const DESCRIPTOR = { Context: 1, Tlb: 2, DeviceTlb: 3, Interrupts: 4, Wait: 5, PasidCache: 7 } as const;

export type QueueErrorKind =
  /** IQE; the same bytes at the same place are refused for good. */
  | "refused"
  /** ITE: waits under way are dropped. */
  | "device-time-out"
  /** ICE: the queue goes on. */
  | "completion"
  /** The queue stands still until it is switched off. */
  | "hang";

export interface InjectedError {
  kind: QueueErrorKind;
  /** Of a descriptor of this type, else of any. */
  type?: number;
  /** How often. */
  times: number;
}

/** IQEI, 11.4.9.9. */
const INFORMATION = { type: 3n, reserved: 4n, width: 5n, alignment: 6n } as const;

export interface QueueUnit {
  readonly capability: bigint;
  readonly extended: bigint;
  readonly caches: RemappingCaches;
  readonly faults: RemappingFaults;
  readonly memory: PhysicalMemory;
  readonly root: { isScalable: boolean };
}

export class RemappingQueue {
  isOn = false;
  /** IQA. */
  address = 0n;
  head = 0;
  tail = 0;
  /** IQERCD. */
  errorRecord = 0n;
  readonly injected: InjectedError[] = [];
  /** Descriptors that were executed, waits included. */
  executed = 0;
  private hangs = false;
  private refused: { head: number; low: bigint; high: bigint } | undefined;

  constructor(private readonly unit: QueueUnit) {}

  switch(on: boolean): void {
    if (on === this.isOn) return;
    this.isOn = on;
    this.head = 0;
    this.hangs = false;
    this.refused = undefined;
  }

  private get size(): number {
    return bits(this.address, 11, 11) === 1 ? 32 : 16;
  }

  /** Executes one descriptor, if there is one. */
  step(): void {
    if (!this.isOn || this.hangs || this.unit.faults.has(IQE | ITE) || this.head === this.tail) return;
    if (this.size === 32 && bits(this.unit.extended, 43, 43) === 0) return this.refuse(INFORMATION.width);
    if (this.tail % this.size !== 0) return this.refuse(INFORMATION.alignment);
    const at = Number(this.address & ~0xfffn) + this.head;
    const low = this.unit.memory.read(at, 8);
    const high = this.unit.memory.read(at + 8, 8);
    if (this.fails(low, high)) return;
    const upper = this.size === 32 ? this.unit.memory.read(at + 16, 8) | this.unit.memory.read(at + 24, 8) : 0n;
    const information = upper !== 0n ? INFORMATION.reserved : this.execute(low, high);
    if (information !== undefined) return this.refuse(information);
    this.executed++;
    this.advance();
  }

  private advance(): void {
    this.head = (this.head + this.size) % (0x1000 << bits(this.address, 2, 0));
  }

  private refuse(information: bigint): void {
    this.errorRecord = (this.errorRecord & ~0xfn) | information;
    this.unit.faults.raise(IQE);
  }

  /** Whether an injected error stops the descriptor. */
  private fails(low: bigint, high: bigint): boolean {
    const bad = this.refused;
    if (bad !== undefined && bad.head === this.head && bad.low === low && bad.high === high) {
      this.refuse(INFORMATION.reserved);
      return true;
    }
    this.refused = undefined;
    const type = bits(low, 3, 0);
    const error = this.injected.find((one) => one.times > 0 && (one.type ?? type) === type);
    if (error === undefined) return false;
    error.times--;
    return this.inject(error.kind, low, high);
  }

  private inject(kind: QueueErrorKind, low: bigint, high: bigint): boolean {
    if (kind === "completion") {
      this.unit.faults.raise(ICE);
      return false;
    }
    if (kind === "hang") this.hangs = true;
    if (kind === "refused") {
      this.refused = { head: this.head, low, high };
      this.refuse(INFORMATION.reserved);
    }
    if (kind === "device-time-out") {
      this.errorRecord = (this.errorRecord & ~(0xffffn << 32n)) | (wideBits(low, 47, 32) << 32n);
      this.head = this.tail;
      this.unit.faults.raise(ITE);
    }
    return true;
  }

  /** Undefined if the descriptor was good. */
  private execute(low: bigint, high: bigint): bigint | undefined {
    const type = bits(low, 3, 0) | (bits(low, 11, 9) << 4);
    switch (type) {
      case DESCRIPTOR.Context: return this.context(low, high);
      case DESCRIPTOR.Tlb: return this.tlb(low, high);
      case DESCRIPTOR.DeviceTlb: return this.deviceTlb(low, high);
      case DESCRIPTOR.Interrupts: return this.interrupts(low, high);
      case DESCRIPTOR.Wait: return this.wait(low, high);
      case DESCRIPTOR.PasidCache: return this.pasidCache(low, high);
      default: return INFORMATION.type;
    }
  }

  private context(low: bigint, high: bigint): bigint | undefined {
    const granularity = bits(low, 5, 4);
    if ((low & ~0x0003_ffff_ffff_003fn) !== 0n || high !== 0n || granularity === 0) return INFORMATION.reserved;
    const domain = bits(low, 31, 16);
    if (granularity === 1) this.unit.caches.allContexts();
    else if (granularity === 2) this.unit.caches.contextsOfDomain(domain);
    else this.unit.caches.context(domain, bits(low, 47, 32), this.unit.root.isScalable);
    return undefined;
  }

  private tlb(low: bigint, high: bigint): bigint | undefined {
    const granularity = bits(low, 5, 4);
    const mask = bits(high, 5, 0);
    if ((low & ~0xffff_00ffn) !== 0n || (high & 0xf80n) !== 0n || granularity === 0) return INFORMATION.reserved;
    const cannot = bits(this.unit.capability, 39, 39) === 0 || mask > bits(this.unit.capability, 53, 48);
    if (granularity === 3 && cannot) return INFORMATION.reserved;
    if ((low & 0x80n) !== 0n && bits(this.unit.capability, 55, 55) === 0) return INFORMATION.reserved;
    const domain = bits(low, 31, 16);
    if (granularity === 1) this.unit.caches.allTranslations();
    else if (granularity === 2) this.unit.caches.translationsOfDomain(domain);
    else this.unit.caches.pages(domain, high & ~0xfffn, mask);
    return undefined;
  }

  private deviceTlb(low: bigint, high: bigint): bigint | undefined {
    if (bits(this.unit.extended, 2, 2) === 0) return INFORMATION.type;
    const sourceId = bits(low, 47, 32);
    const isPaced = bits(this.unit.extended, 41, 41) === 1;
    const physical = (wideBits(low, 63, 52) << 4n) | wideBits(low, 15, 12);
    if ((low & 0x000f_0000_ffe0_01f0n) !== 0n || (high & 0xffen) !== 0n) return INFORMATION.reserved;
    if (physical !== (isPaced ? BigInt(sourceId) : 0n)) return INFORMATION.reserved;
    // The lowest 0 bit of an address with S tells the size: with none below bit 63 it is everything.
    if (high === 0x7fff_ffff_ffff_f001n) this.unit.caches.deviceTlb(sourceId);
    return undefined;
  }

  private interrupts(low: bigint, high: bigint): bigint | undefined {
    if (bits(this.unit.extended, 3, 3) === 0) return INFORMATION.type;
    const mask = bits(low, 31, 27);
    if ((low & 0xffff_0000_07ff_f1e0n) !== 0n || high !== 0n || mask > bits(this.unit.extended, 23, 20)) return INFORMATION.reserved;
    if (bits(low, 4, 4) === 0) this.unit.caches.allInterrupts();
    else this.unit.caches.interruptEntries(bits(low, 47, 32), mask);
    return undefined;
  }

  private wait(low: bigint, high: bigint): bigint | undefined {
    if ((low & 0xffff_f100n) !== 0n || (high & 3n) !== 0n || (low & 0x30n) === 0n) return INFORMATION.reserved;
    if (bits(low, 5, 5) === 1) this.unit.memory.write(Number(high), 4, wideBits(low, 63, 32));
    return undefined;
  }

  private pasidCache(low: bigint, high: bigint): bigint | undefined {
    const granularity = bits(low, 5, 4);
    if (!this.unit.root.isScalable) return INFORMATION.type;
    if ((low & ~0x000f_ffff_ffff_003fn) !== 0n || high !== 0n || granularity === 2) return INFORMATION.reserved;
    if (granularity === 3) this.unit.caches.allPasids();
    else this.unit.caches.pasidsOfDomain(bits(low, 31, 16));
    return undefined;
  }
}
