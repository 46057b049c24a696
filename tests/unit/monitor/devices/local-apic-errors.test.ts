// Error status register and error interrupt (SDM 3A 11.5.3).

import { beforeEach, describe, expect, test } from "vitest";
import { Apic, APIC_BASE, ApicGuest, EXTENDED, MASKED } from "./local-apic-guest.ts";

const SEND_ILLEGAL = 1 << 5;
const RECEIVE_ILLEGAL = 1 << 6;
const ILLEGAL_REGISTER = 1 << 7;
const ERROR_VECTOR = 0xfe;
const TIMER_EXPIRY = 10;

let guest: ApicGuest;

beforeEach(async () => {
  guest = await ApicGuest.start();
  guest.write(Apic.LvtError, ERROR_VECTOR);
});

/** Takes and ends the error interrupt; 0 if there is none. */
const takeError = () => {
  const vector = guest.partition.monitor.acknowledge(0);
  if (vector !== 0) guest.write(Apic.Eoi, 0);
  return vector;
};

describe("what is an error", () => {
  test.each([
    ["an IPI to another with an illegal vector", () => guest.send(1, 0x0f), SEND_ILLEGAL],
    ["one in lowest-priority mode", () => guest.send(1, 0x10f), SEND_ILLEGAL],
    ["a self-IPI with an illegal vector", () => guest.sendSelf(0), SEND_ILLEGAL | RECEIVE_ILLEGAL],
    ["a read of a reserved register", () => guest.read(0x2e0), ILLEGAL_REGISTER],
    ["a write to a reserved register", () => guest.write(0x040, 1), ILLEGAL_REGISTER],
    ["the CMCI entry, which the version denies", () => guest.read(Apic.LvtCmci), ILLEGAL_REGISTER],
    ["SELF IPI in xAPIC mode", () => guest.write(Apic.SelfIpi, 0x40), ILLEGAL_REGISTER],
    ["a register beyond the last", () => guest.write(0xff0, 0), ILLEGAL_REGISTER],
    ["a timer entry with an illegal vector that fires", () => {
      guest.write(Apic.LvtTimer, 0x0f);
      guest.write(Apic.InitialCount, TIMER_EXPIRY);
      guest.partition.advance(1000n);
    }, RECEIVE_ILLEGAL],
  ])("%s", (_what, cause, bits) => {
    cause();
    expect([takeError(), guest.errors()]).toEqual([ERROR_VECTOR, bits]);
  });

  test.each([Apic.Id, Apic.Version, Apic.Apr, Apic.Ppr, Apic.RemoteRead, Apic.CurrentCount, Apic.Isr, Apic.Tmr, Apic.Irr])("a write to read-only register %i vanishes and is none", (register) => {
    const before = guest.read(register);
    guest.write(register, 0xffff_ffff);
    expect([guest.read(register), guest.errors(), takeError()]).toEqual([before, 0, 0]);
  });

  test("an NMI IPI needs no vector", () => {
    guest.send(1, 4 << 8);
    expect(guest.errors()).toBe(0);
  });

  test("an I/O APIC entry with an illegal vector is the receiver's error and holds no remote IRR", () => {
    const RTC_ENTRY = 0x10 + 8 * 2;
    guest.partition.write32(0xfec0_0000n, RTC_ENTRY);
    guest.partition.write32(0xfec0_0010n, (1 << 15) | 0x08);
    guest.partition.out8(0x70, 0x0b);
    guest.partition.out8(0x71, 0x12);
    guest.partition.advance(guest.partition.tscFrequency);
    expect([guest.errors(), guest.partition.read32(0xfec0_0010n) & (1 << 14)]).toEqual([RECEIVE_ILLEGAL, 0]);
  });
});

describe("the register", () => {
  test("shows what was detected before the last write, whatever the value", () => {
    guest.read(0x2e0);
    expect(guest.read(Apic.Esr)).toBe(0);
    guest.write(Apic.Esr, 0xffff_ffff);
    expect([guest.read(Apic.Esr), guest.read(Apic.Esr)]).toEqual([ILLEGAL_REGISTER, ILLEGAL_REGISTER]);
    expect(guest.errors()).toBe(0);
  });

  test("an error of the same kind interrupts again after a write only", () => {
    guest.send(1, 0);
    expect(takeError()).toBe(ERROR_VECTOR);
    guest.send(1, 0);
    expect(takeError()).toBe(0);
    guest.read(0x2e0); // another kind
    expect(takeError()).toBe(ERROR_VECTOR);
    guest.errors();
    guest.send(1, 0);
    expect(takeError()).toBe(ERROR_VECTOR);
  });

  test("a masked entry counts errors without an interrupt", () => {
    guest.write(Apic.LvtError, MASKED | ERROR_VECTOR);
    guest.send(1, 0);
    expect([takeError(), guest.errors()]).toEqual([0, SEND_ILLEGAL]);
  });

  test("an error entry with an illegal vector is one error more and no loop", () => {
    guest.write(Apic.LvtError, 0x03);
    guest.read(0x2e0);
    expect([takeError(), guest.errors()]).toEqual([0, ILLEGAL_REGISTER | RECEIVE_ILLEGAL]);
  });

  test("x2APIC: illegal vectors by ICR and SELF IPI", () => {
    guest.partition.writeMsr(APIC_BASE, EXTENDED);
    const errors = () => {
      guest.partition.writeMsr(0x828, 0n);
      return guest.partition.readMsr(0x828);
    };
    guest.partition.writeMsr(0x83f, 0x0fn);
    expect(errors()).toBe(BigInt(SEND_ILLEGAL | RECEIVE_ILLEGAL));
    guest.partition.writeMsr(0x830, (1n << 32n) | 0x05n);
    expect(errors()).toBe(BigInt(SEND_ILLEGAL));
  });
});
