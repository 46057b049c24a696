// The local APIC lies in its virtual-APIC page as the architecture has it (SDM 3A table 11-1, 3C 30.1).

import { describe, expect, test } from "vitest";
import { Apic, APIC_BASE, ApicGuest, EXTENDED, MASKED } from "./local-apic-guest.ts";

const VECTOR = 0x61;
const VECTOR_PART = (VECTOR >> 5) * 16;

describe("virtual-APIC page", () => {
  test("has what the guest reads from the xAPIC page, at the same offsets", async () => {
    const guest = await ApicGuest.start(3);
    guest.write(Apic.Tpr, 0x20, 2);
    guest.write(Apic.Ldr, 0x0400_0000, 2);
    guest.write(Apic.LvtTimer, 0x2_0044, 2);
    guest.write(Apic.InitialCount, 77, 2);
    guest.write(Apic.Divide, 0xb, 2);
    guest.sendSelf(VECTOR, 2);
    for (const offset of [Apic.Id, Apic.Version, Apic.Tpr, Apic.Ppr, Apic.Ldr, Apic.Dfr, Apic.Svr, Apic.Irr + VECTOR_PART, Apic.Esr, Apic.IcrLow,
      Apic.LvtTimer, Apic.LvtLint0, Apic.LvtError, Apic.InitialCount, Apic.Divide]) {
      expect([offset, guest.partition.pageRegister(offset, 2)]).toEqual([offset, guest.read(offset, 2)]);
    }
    expect(guest.partition.pageRegister(Apic.Id, 2)).toBe(2 << 24);
    expect(guest.partition.pageRegister(Apic.LvtLint0, 1)).toBe(MASKED);
    expect(guest.partition.pageRegister(Apic.Tpr, 1)).toBe(0);
  });

  test("moves a vector from IRR to ISR when it is acknowledged", async () => {
    const guest = await ApicGuest.start(1);
    guest.sendSelf(VECTOR);
    expect(guest.partition.monitor.acknowledge(0)).toBe(VECTOR);
    expect(guest.partition.pageRegister(Apic.Irr + VECTOR_PART)).toBe(0);
    expect(guest.partition.pageRegister(Apic.Isr + VECTOR_PART)).toBe(1 << (VECTOR & 31));
    expect(guest.partition.pageRegister(Apic.Ppr)).toBe(VECTOR & 0xf0);
  });

  test("has x2APIC identifiers in x2APIC mode", async () => {
    const guest = await ApicGuest.start(3);
    guest.partition.writeMsr(APIC_BASE, EXTENDED, 2);
    expect(guest.partition.pageRegister(Apic.Id, 2)).toBe(2);
    expect(guest.partition.pageRegister(Apic.Ldr, 2)).toBe(1 << 2);
  });

  test("lies below all other data of the monitor", async () => {
    const guest = await ApicGuest.start(4);
    const before = [...new Uint8Array(guest.partition.monitor.memory.buffer, 0x5000, 0x4000)];
    guest.partition.out8(0x3f8 + 7, 0x5a);
    guest.partition.out8(0x70, 0x0e);
    guest.partition.out8(0x71, 0x5a);
    expect([...new Uint8Array(guest.partition.monitor.memory.buffer, 0x5000, 0x4000)]).toEqual(before);
  });
});
