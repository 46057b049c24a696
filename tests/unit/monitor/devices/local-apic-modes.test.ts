// IA32_APIC_BASE, identifiers in both modes, local vector table (SDM 3A 11.4, 11.5.1, 11.12).

import { beforeEach, describe, expect, test } from "vitest";
import { AccessStatus, PCI_WINDOW_BASE, VcpuStart } from "../../../../monitor/interface.ts";
import { Apic, APIC_BASE, ApicGuest, ENABLED, EXTENDED, LOGICAL, MASKED, PAGE, SELF } from "./local-apic-guest.ts";

const DISABLED = 0xfee0_0000n;
const EXTENDED_ONLY = 0xfee0_0400n;
const OTHER_PAGE = 0x4200_0000n;

let guest: ApicGuest;
const setBase = (value: bigint, vcpu = 1) => {
  guest.partition.writeMsr(APIC_BASE, value, vcpu);
  return guest.partition.status === AccessStatus.Done;
};
const status = (access: () => unknown) => {
  access();
  return guest.partition.status;
};

beforeEach(async () => {
  guest = await ApicGuest.start();
});

describe("IA32_APIC_BASE", () => {
  const paths: Record<string, bigint[]> = { disabled: [DISABLED], xAPIC: [], x2APIC: [EXTENDED] };
  test.each([
    ["disabled", DISABLED, true], ["disabled", ENABLED, true], ["disabled", EXTENDED, false], ["disabled", EXTENDED_ONLY, false],
    ["xAPIC", DISABLED, true], ["xAPIC", ENABLED, true], ["xAPIC", EXTENDED, true], ["xAPIC", EXTENDED_ONLY, false],
    ["x2APIC", DISABLED, true], ["x2APIC", ENABLED, false], ["x2APIC", EXTENDED, true], ["x2APIC", EXTENDED_ONLY, false],
  ])("from %s to %s: legal %s", (from, to, isLegal) => {
    for (const value of paths[from] ?? []) expect(setBase(value)).toBe(true);
    const before = guest.partition.readMsr(APIC_BASE, 1);
    expect(setBase(to)).toBe(isLegal);
    expect(guest.partition.readMsr(APIC_BASE, 1)).toBe(isLegal ? to : before);
    expect(guest.partition.apicBase(1)).toBe(isLegal ? to : before);
  });

  test.each([0, 1, 7, 9])("reserved bit %i is #GP", (bit) => {
    expect(setBase(ENABLED | (1n << BigInt(bit)))).toBe(false);
  });

  test.each([32, 36, 39, 46, 52, 63])("address bit %i is #GP", (bit) => {
    expect(setBase(ENABLED | (1n << BigInt(bit)))).toBe(false);
  });

  test("the boot-processor bit is kept whatever is written", () => {
    expect([setBase(ENABLED, 0), guest.partition.readMsr(APIC_BASE)]).toEqual([true, ENABLED | 0x100n]);
    expect([setBase(ENABLED | 0x100n, 1), guest.partition.readMsr(APIC_BASE, 1)]).toEqual([true, ENABLED]);
  });

  test("moves the page of this vCPU and no other's", () => {
    guest.write(Apic.Tpr, 0x50, 1);
    expect(setBase(OTHER_PAGE | 0x800n)).toBe(true);
    expect(guest.partition.read32(OTHER_PAGE + BigInt(Apic.Tpr), 1)).toBe(0x50);
    expect([guest.read(Apic.Tpr, 1), guest.partition.status]).toEqual([0xffff_ffff, AccessStatus.OpenBus]);
    expect([guest.partition.read32(OTHER_PAGE), guest.partition.status]).toEqual([0xffff_ffff, AccessStatus.OpenBus]);
    expect(guest.read(Apic.Version)).toBe(0x105_0014);
    expect([setBase(0xfed4_0800n), guest.partition.read32(0xfed4_0080n, 1), setBase(OTHER_PAGE | 0x800n)]).toEqual([true, 0x50, true]);
    guest.partition.write32(OTHER_PAGE + BigInt(Apic.IcrLow), SELF | 0x61, 1);
    expect(guest.partition.pendingVector(1)).toBe(0x61);
    expect(setBase(ENABLED)).toBe(true);
    expect(guest.read(Apic.Id, 1)).toBe(1 << 24);
  });

  test.each([
    ["RAM", 0x0010_0000n], ["the PCI window", BigInt(PCI_WINDOW_BASE)], ["the I/O APIC", 0xfec0_0000n],
  ])("does not move to %s", (_what, page) => {
    expect(setBase(page | 0x800n)).toBe(false);
    expect(guest.partition.readMsr(APIC_BASE, 1)).toBe(ENABLED);
  });

  test("start() moves it back", () => {
    setBase(OTHER_PAGE | 0x800n);
    guest.partition.monitor.start();
    expect(guest.partition.readMsr(APIC_BASE, 1)).toBe(ENABLED);
  });

  test("disabled: the page is open bus, CR8 works, nothing is accepted, and registers come back as after reset", () => {
    guest.write(Apic.LvtTimer, 0x40, 1);
    setBase(DISABLED);
    for (const register of [Apic.Version, Apic.Tpr]) expect(status(() => guest.write(register, 0xffff_ffff, 1))).toBe(AccessStatus.OpenBus);
    expect([guest.read(Apic.Version, 1), guest.read(Apic.Tpr, 1)]).toEqual([0xffff_ffff, 0xffff_ffff]);
    guest.partition.monitor.taskPriorityWrite(1, 9);
    expect(guest.partition.monitor.taskPriorityRead(1)).toBe(9);
    guest.partition.monitor.taskPriorityWrite(1, 0);
    guest.send(1, 0x55);
    guest.send(1, 4 << 8);
    expect([guest.partition.pendingVector(1), guest.partition.pendingNmi(1)]).toEqual([0, 0]);
    setBase(ENABLED);
    expect([guest.read(Apic.Svr, 1), guest.read(Apic.LvtTimer, 1), guest.read(Apic.Tpr, 1)]).toEqual([0xff, MASKED, 0]);
  });

  test("INIT keeps the mode: x2APIC stays x2APIC with its logical identifier", () => {
    setBase(EXTENDED, 2);
    guest.send(2, 0xc500);
    expect(guest.partition.startRequest(2).start).toBe(VcpuStart.Init);
    expect([guest.partition.readMsr(APIC_BASE, 2), guest.partition.readMsr(0x80d, 2), guest.partition.readMsr(0x80f, 2)]).toEqual([EXTENDED, 4n, 0xffn]);
  });
});

describe("identifiers", () => {
  test("the vCPU's number in both modes; not software's to write", () => {
    guest.write(Apic.Id, 0x0700_0000, 1);
    expect(guest.read(Apic.Id, 1)).toBe(1 << 24);
    setBase(EXTENDED);
    expect(guest.partition.readMsr(0x802, 1)).toBe(1n);
    expect(status(() => guest.partition.writeMsr(0x802, 2n, 1))).toBe(AccessStatus.GeneralProtection);
    setBase(DISABLED);
    setBase(ENABLED);
    expect(guest.read(Apic.Id, 1)).toBe(1 << 24);
  });

  test("ICR reads back what was written, and its high half is 0 after the change to x2APIC", () => {
    guest.send(0x0f, LOGICAL | 0xd8 | (1 << 14));
    expect([guest.read(Apic.IcrLow), guest.read(Apic.IcrHigh)]).toEqual([LOGICAL | 0xd8 | (1 << 14), 0x0f00_0000]);
    guest.write(Apic.IcrHigh, 0xffff_ffff, 1);
    expect(guest.read(Apic.IcrHigh, 1)).toBe(0xff00_0000);
    setBase(EXTENDED);
    expect(guest.partition.readMsr(0x830, 1) >> 32n).toBe(0n);
    guest.partition.writeMsr(0x830, (3n << 32n) | 0x41n, 1);
    expect(guest.partition.readMsr(0x830, 1)).toBe((3n << 32n) | 0x41n);
  });
});

describe("local vector table", () => {
  test.each([
    ["timer", Apic.LvtTimer, 0x700ff], ["thermal", Apic.LvtThermal, 0x107ff], ["performance", Apic.LvtPerformance, 0x107ff],
    ["LINT0", Apic.LvtLint0, 0x1a7ff], ["LINT1", Apic.LvtLint1, 0x1a7ff], ["error", Apic.LvtError, 0x100ff],
  ])("%s keeps its own bits, is #GP on others in x2APIC mode, and is masked by a software disable", (_name, register, bits) => {
    guest.write(register, 0xffff_ffff);
    expect(guest.read(register)).toBe(bits);
    guest.write(register, 0x40);
    guest.write(Apic.Svr, 0xff);
    expect(guest.read(register)).toBe(MASKED | 0x40);
    guest.write(register, 0x41);
    expect(guest.read(register)).toBe(MASKED | 0x41);
    guest.partition.writeMsr(APIC_BASE, EXTENDED);
    const readOnly = register === Apic.LvtLint0 || register === Apic.LvtLint1 ? 0x5000 : 0x1000;
    for (let bit = 0; bit < 64; bit++) {
      const isLegal = bit < 32 && (((bits | readOnly) >>> bit) & 1) === 1;
      expect([bit, status(() => guest.partition.writeMsr(0x800 + register / 16, 1n << BigInt(bit)))]).toEqual([bit, isLegal ? AccessStatus.Done : AccessStatus.GeneralProtection]);
    }
  });

  /** IRQ 0 by mode 0 of the PIT, which raises the PIC's INT output. */
  const raisePic = () => {
    for (const [port, value] of [[0x20, 0x11], [0x21, 0x30], [0x21, 4], [0x21, 1], [0x21, 0xfe], [0x43, 0x10], [0x40, 2]] as const) guest.partition.out8(port, value);
    guest.partition.advance(guest.partition.ticks(10));
  };

  test("LINT0 in fixed mode delivers its own vector once for each rise of the PIC's output", () => {
    guest.write(Apic.LvtLint0, 0x77);
    raisePic();
    expect([guest.partition.monitor.acknowledge(0), guest.partition.pendingVector()]).toEqual([0x77, 0]);
  });

  test("LINT0 in NMI mode, and masked", () => {
    guest.write(Apic.LvtLint0, MASKED | (4 << 8));
    raisePic();
    expect(guest.partition.pendingNmi()).toBe(0);
    guest.write(Apic.LvtLint0, 4 << 8);
    raisePic();
    expect([guest.partition.pendingNmi(), guest.partition.pendingVector()]).toEqual([1, 0]);
  });
});

test("the page's registers are 32 bits wide; narrower writes vanish", () => {
  guest.partition.monitor.memoryWrite(0, PAGE + BigInt(Apic.Tpr), 1, 0x70n);
  expect(guest.read(Apic.Tpr)).toBe(0);
  guest.partition.monitor.memoryWrite(0, PAGE + BigInt(Apic.Tpr), 8, 0x1_0000_0060n);
  expect(guest.read(Apic.Tpr)).toBe(0x60);
});
