// Fault recording of a simulated remapping unit, VT-d 4.1 7.2 and 11.4.7: records in a circle, overflow, the fault event.

export const PFO = 1 << 0;
const PPF = 1 << 1;
export const IQE = 1 << 4;
export const ICE = 1 << 5;
export const ITE = 1 << 6;
const STICKY = PFO | IQE | ICE | ITE;
const TAKEN = 1n << 127n;
const MASKED = 0x8000_0000;
const PENDING = 0x4000_0000;

export const REQUEST = { Write: 0, PageRequest: 1, Read: 2, Atomic: 3 } as const;

export interface RecordedFault {
  sourceId: number;
  reason: number;
  /** Of a DMA; only the page is recorded. */
  address?: bigint;
  /** Of an interrupt. */
  index?: number;
  /** T1 is bit 1, T2 bit 0. */
  type?: number;
  pasid?: number;
}

export interface FaultEvent {
  address: bigint;
  data: number;
}

export class RemappingFaults {
  readonly records: bigint[];
  /** Fault interrupts that the unit sent. */
  readonly events: FaultEvent[] = [];
  /** Faults that found no free record. */
  lost = 0;
  /** What records hold in bits 59:40 of their upper half when there is no PASID. */
  junk = 0n;
  control = MASKED;
  data = 0;
  address = 0n;
  private sticky = 0;
  private next = 0;
  private first = 0;

  constructor(count: number) {
    this.records = Array.from({ length: count }, () => 0n);
  }

  get status(): number {
    const pending = this.records.some((one) => (one & TAKEN) !== 0n);
    return this.sticky | (pending ? PPF | (this.first << 8) : 0);
  }

  /** The record that the next fault goes to. */
  startAt(record: number): void {
    this.next = record;
  }

  record(fault: RecordedFault): void {
    const record = this.records[this.next]!;
    if ((this.sticky & PFO) !== 0 || (record & TAKEN) !== 0n) {
      this.lost++;
      this.raise(PFO);
      return;
    }
    const before = this.status;
    this.records[this.next] = this.encode(fault);
    if ((before & PPF) === 0) this.first = this.next;
    this.next = (this.next + 1) % this.records.length;
    if ((before & (PPF | STICKY)) === 0) this.interrupt();
  }

  private encode(fault: RecordedFault): bigint {
    const type = BigInt(fault.type ?? 0);
    const low = fault.index !== undefined ? BigInt(fault.index) << 48n : (fault.address ?? 0n) & ~0xfffn;
    const pasid = fault.pasid === undefined ? this.junk << 40n : (BigInt(fault.pasid) << 40n) | (1n << 31n);
    const high = BigInt(fault.sourceId) | ((type & 1n) << 28n) | pasid | (BigInt(fault.reason) << 32n) | ((type >> 1n) << 62n);
    return low | (high << 64n) | TAKEN;
  }

  /** Sets bits of FSTS. */
  raise(bits: number): void {
    const before = this.status;
    this.sticky |= bits;
    if ((before & (PPF | STICKY)) === 0) this.interrupt();
  }

  has(bits: number): boolean {
    return (this.sticky & bits) !== 0;
  }

  writeStatus(value: number): void {
    this.sticky &= ~(value & STICKY);
    if ((this.status & (PPF | STICKY)) === 0) this.control &= ~PENDING;
  }

  private interrupt(): void {
    if ((this.control & MASKED) === 0) this.events.push({ address: this.address, data: this.data });
    else this.control |= PENDING;
  }

  writeControl(value: number): void {
    const pending = this.control & PENDING;
    this.control = (value & MASKED) | pending;
    if ((value & MASKED) !== 0 || pending === 0) return;
    this.control &= ~PENDING;
    this.interrupt();
  }

  /** `offset` from the first record. */
  read(offset: number, size: number): bigint {
    const record = this.records[offset >> 4] ?? 0n;
    return BigInt.asUintN(size * 8, record >> BigInt((offset & 15) * 8));
  }

  /** Only F can be written, and only by its own u32 or u64. */
  write(offset: number, size: number, value: bigint): void {
    const within = offset & 15;
    const hasF = (within === 12 && size === 4 && (value & 0x8000_0000n) !== 0n) || (within === 8 && size === 8 && value >> 63n !== 0n);
    if (hasF) this.records[offset >> 4] = this.records[offset >> 4]! & ~TAKEN;
    this.writeStatus(0);
  }
}
