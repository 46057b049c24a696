// A partition with several vCPUs whose local APICs are enabled, as tests of the APIC reach it.

import { type SimulatedPartition, startPartition } from "../harness.ts";

export const PAGE = 0xfee0_0000n;

/** Offsets in the xAPIC page; the x2APIC MSR is 0x800 + offset / 16. */
export const enum Apic {
  Id = 0x20, Version = 0x30, Tpr = 0x80, Apr = 0x90, Ppr = 0xa0, Eoi = 0xb0, RemoteRead = 0xc0, Ldr = 0xd0, Dfr = 0xe0, Svr = 0xf0,
  Isr = 0x100, Tmr = 0x180, Irr = 0x200, Esr = 0x280, LvtCmci = 0x2f0, IcrLow = 0x300, IcrHigh = 0x310,
  LvtTimer = 0x320, LvtThermal = 0x330, LvtPerformance = 0x340, LvtLint0 = 0x350, LvtLint1 = 0x360, LvtError = 0x370,
  InitialCount = 0x380, CurrentCount = 0x390, Divide = 0x3e0, SelfIpi = 0x3f0,
}

export const APIC_BASE = 0x1b;
export const ENABLED = 0xfee0_0800n;
export const EXTENDED = 0xfee0_0c00n;
export const SELF = 1 << 18;
export const LOGICAL = 1 << 11;
export const MASKED = 1 << 16;

export class ApicGuest {
  constructor(readonly partition: SimulatedPartition) {}

  static async start(vcpus = 4): Promise<ApicGuest> {
    const guest = new ApicGuest(await startPartition({ vcpus }));
    guest.write(Apic.LvtLint0, MASKED);
    for (let vcpu = 0; vcpu < vcpus; vcpu++) guest.write(Apic.Svr, 0x1ff, vcpu);
    return guest;
  }

  read(register: number, vcpu = 0): number {
    return this.partition.read32(PAGE + BigInt(register), vcpu);
  }

  write(register: number, value: number, vcpu = 0): void {
    this.partition.write32(PAGE + BigInt(register), value, vcpu);
  }

  /** The bit of `vector` in IRR, ISR or TMR. */
  bit(map: Apic, vector: number, vcpu = 0): number {
    return (this.read(map + (vector >> 5) * 16, vcpu) >>> (vector & 31)) & 1;
  }

  send(destination: number, low: number, from = 0): void {
    this.write(Apic.IcrHigh, destination << 24, from);
    this.write(Apic.IcrLow, low, from);
  }

  sendSelf(vector: number, vcpu = 0): void {
    this.write(Apic.IcrLow, SELF | vector, vcpu);
  }

  /** Error status as software must read it: a write first. */
  errors(vcpu = 0): number {
    this.write(Apic.Esr, 0, vcpu);
    return this.read(Apic.Esr, vcpu);
  }

  pending(): number[] {
    return [0, 1, 2, 3].map((vcpu) => this.partition.pendingVector(vcpu));
  }
}
