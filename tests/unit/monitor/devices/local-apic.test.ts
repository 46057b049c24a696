// Local APIC: registers after power-up, priorities, and its modes.

import { beforeEach, describe, expect, test } from "vitest";
import { AccessStatus, Device } from "../../../../monitor/interface.ts";
import { ALL_DEVICES, NEVER, type SimulatedPartition, startPartition } from "../harness.ts";
import { Apic, APIC_BASE, ApicGuest, ENABLED, EXTENDED, MASKED } from "./local-apic-guest.ts";

let guest: ApicGuest;
let partition: SimulatedPartition;
const read = (register: number, vcpu = 0): number => guest.read(register, vcpu);
const write = (register: number, value: number, vcpu = 0): void => guest.write(register, value, vcpu);
const bit = (map: Apic, vector: number, vcpu = 0): number => guest.bit(map, vector, vcpu);
const sendSelf = (vector: number, vcpu = 0): void => guest.sendSelf(vector, vcpu);

beforeEach(async () => {
  guest = await ApicGuest.start();
  partition = guest.partition;
});

describe("registers after power-up", () => {
  test("boot processor in virtual-wire mode, the others as after reset", async () => {
    guest = new ApicGuest(await startPartition({ vcpus: 2 }));
    partition = guest.partition;
    expect([read(Apic.Svr), read(Apic.LvtLint0)]).toEqual([0x1ff, 0x700]);
    expect([read(Apic.Svr, 1), read(Apic.LvtLint0, 1)]).toEqual([0xff, MASKED]);
    expect([read(Apic.Id), read(Apic.Id, 1), read(Apic.Version)]).toEqual([0, 1 << 24, 0x105_0014]);
    expect([partition.readMsr(APIC_BASE), partition.readMsr(APIC_BASE, 1)]).toEqual([0xfee0_0900n, ENABLED]);
    expect([read(Apic.Dfr), read(Apic.LvtTimer), partition.deadline(), partition.pendingVector()]).toEqual([0xffff_ffff, MASKED, NEVER, 0]);
  });

  test("without the device, page and MSRs are open bus", async () => {
    guest = new ApicGuest(await startPartition({ devices: ALL_DEVICES & ~Device.LocalApic }));
    partition = guest.partition;
    expect([read(Apic.Id), partition.status]).toEqual([0xffff_ffff, AccessStatus.OpenBus]);
    for (const index of [APIC_BASE, 0x6e0, 0x802]) {
      partition.readMsr(index);
      expect(partition.status).toBe(AccessStatus.OpenBus);
    }
  });
});

describe("priority", () => {
  test("an accepted vector is pending, then in service, then done", () => {
    sendSelf(0x41);
    expect([partition.pendingVector(), bit(Apic.Irr, 0x41), bit(Apic.Isr, 0x41)]).toEqual([0x41, 1, 0]);
    expect(partition.monitor.acknowledge(0)).toBe(0x41);
    expect([partition.pendingVector(), bit(Apic.Irr, 0x41), bit(Apic.Isr, 0x41), read(Apic.Ppr)]).toEqual([0, 0, 1, 0x40]);
    write(Apic.Eoi, 0);
    expect([bit(Apic.Isr, 0x41), read(Apic.Ppr)]).toEqual([0, 0]);
  });

  test("the highest vector goes first and only a higher class interrupts it", () => {
    for (const vector of [0x31, 0xf2, 0x52, 0xa1]) sendSelf(vector);
    expect(partition.monitor.acknowledge(0)).toBe(0xf2);
    sendSelf(0xfe); // same class
    expect(partition.pendingVector()).toBe(0);
    write(Apic.Eoi, 0);
    expect(partition.monitor.acknowledge(0)).toBe(0xfe);
    write(Apic.Eoi, 0);
    expect(partition.monitor.acknowledge(0)).toBe(0xa1);
    sendSelf(0xb0);
    expect(partition.monitor.acknowledge(0)).toBe(0xb0);
    write(Apic.Eoi, 0);
    expect(read(Apic.Ppr)).toBe(0xa0);
    write(Apic.Eoi, 0);
    expect([partition.monitor.acknowledge(0), partition.pendingVector()]).toEqual([0x52, 0]);
    write(Apic.Eoi, 0);
    expect(partition.pendingVector()).toBe(0x31);
  });

  test("TPR holds back its class and those below; CR8 is its high half", () => {
    sendSelf(0x55);
    partition.monitor.taskPriorityWrite(0, 5);
    expect([read(Apic.Tpr), read(Apic.Ppr), partition.pendingVector(), partition.monitor.acknowledge(0)]).toEqual([0x50, 0x50, 0, 0]);
    write(Apic.Tpr, 0x4f);
    expect([partition.monitor.taskPriorityRead(0), partition.pendingVector()]).toEqual([4, 0x55]);
  });

  test("a software-disabled APIC takes and shows nothing and masks its local vectors", () => {
    write(Apic.LvtTimer, 0x40);
    sendSelf(0x60);
    write(Apic.Svr, 0xff);
    expect([partition.pendingVector(), read(Apic.LvtTimer)]).toEqual([0, MASKED | 0x40]);
    sendSelf(0x70);
    write(Apic.LvtTimer, 0x40);
    expect([bit(Apic.Irr, 0x70), read(Apic.LvtTimer)]).toEqual([0, MASKED | 0x40]);
    write(Apic.Svr, 0x1ff);
    expect(partition.pendingVector()).toBe(0x60);
  });
});

describe("modes", () => {
  const isRefused = (value: bigint, vcpu = 0) => {
    partition.writeMsr(APIC_BASE, value, vcpu);
    return partition.status === AccessStatus.GeneralProtection;
  };

  test("legal and illegal changes of IA32_APIC_BASE", () => {
    expect(isRefused(EXTENDED, 1)).toBe(false);
    expect(isRefused(ENABLED, 1)).toBe(true); // x2APIC to xAPIC
    expect(isRefused(0xfee0_0400n, 1)).toBe(true); // EXTD without EN
    expect(isRefused(0xfee0_0000n, 1)).toBe(false);
    expect(isRefused(EXTENDED, 1)).toBe(true); // disabled to x2APIC
    expect(isRefused(ENABLED, 1)).toBe(false);
    expect(isRefused(ENABLED | 1n, 1)).toBe(true); // reserved
    expect(isRefused(ENABLED | (1n << 40n), 1)).toBe(true);
    expect(partition.readMsr(APIC_BASE, 1)).toBe(ENABLED);
  });

  test("the mailbox shows IA32_APIC_BASE as it is", () => {
    const shown = () => [0, 1].map((vcpu) => partition.apicBase(vcpu));
    expect(shown()).toEqual([0xfee0_0900n, ENABLED]);
    partition.writeMsr(APIC_BASE, EXTENDED, 1);
    expect(shown()).toEqual([0xfee0_0900n, EXTENDED]);
    isRefused(ENABLED, 1);
    expect(partition.apicBase(1)).toBe(EXTENDED);
  });

  test("x2APIC registers answer by MSR and no longer in the page", () => {
    partition.readMsr(0x802, 1);
    expect(partition.status).toBe(AccessStatus.GeneralProtection);
    partition.writeMsr(APIC_BASE, EXTENDED, 1);
    expect([partition.readMsr(0x802, 1), partition.readMsr(0x803, 1), partition.readMsr(0x80d, 1)]).toEqual([1n, 0x105_0014n, 2n]);
    expect(partition.readMsr(0x80f, 1)).toBe(0x1ffn); // SVR survived the change
    expect([read(Apic.Id, 1), partition.status]).toEqual([0xffff_ffff, AccessStatus.OpenBus]);
  });

  test("interrupts by MSR: ICR, self IPI, ISR, EOI, TPR", () => {
    for (const vcpu of [0, 1, 2, 3]) partition.writeMsr(APIC_BASE, EXTENDED, vcpu);
    partition.writeMsr(0x830, (3n << 32n) | 0x55n);
    expect([partition.status, partition.pendingVector(3)]).toEqual([AccessStatus.Done, 0x55]);
    partition.writeMsr(0x830, (0xdn << 32n) | 0x866n); // logical: bits 0, 2 and 3 of cluster 0
    expect([0, 1, 2, 3].map((vcpu) => partition.pendingVector(vcpu))).toEqual([0x66, 0, 0x66, 0x66]);
    partition.writeMsr(0x830, (0xffff_ffffn << 32n) | 0x77n);
    expect([0, 1, 2, 3].map((vcpu) => partition.pendingVector(vcpu))).toEqual([0x77, 0x77, 0x77, 0x77]);
    partition.writeMsr(0x83f, 0x88n);
    expect(partition.monitor.acknowledge(0)).toBe(0x88);
    expect(partition.readMsr(0x814)).toBe(1n << 8n);
    partition.writeMsr(0x80b, 0n);
    expect([partition.readMsr(0x814), partition.pendingVector()]).toEqual([0n, 0x77]);
    partition.writeMsr(0x808, 0x70n);
    expect([partition.readMsr(0x80a), partition.pendingVector()]).toEqual([0x70n, 0]);
  });

  test.each([
    ["EOI other than 0", 0x80b, 1n], ["a reserved bit of TPR", 0x808, 0x100n], ["the version", 0x803, 0n], ["the identifier", 0x802, 0n], ["LDR", 0x80d, 1n],
    ["DFR", 0x80e, 0n], ["ICR high", 0x831, 0n], ["ISR", 0x810, 0n], ["ESR other than 0", 0x828, 1n], ["a reserved LVT bit", 0x832, 0x8_0000n],
    ["a reserved ICR bit", 0x830, 0x2000n], ["a value above 32 bits", 0x838, 1n << 32n], ["CMCI, which is not there", 0x82f, 0n], ["beyond the registers", 0x8ff, 0n],
  ])("writing %s is #GP", (_what, index, value) => {
    partition.writeMsr(APIC_BASE, EXTENDED);
    partition.writeMsr(index, value);
    expect(partition.status).toBe(AccessStatus.GeneralProtection);
  });

  test.each([0x80b, 0x80e, 0x831, 0x83f, 0x800, 0x809, 0x8ff])("reading MSR 0x%x is #GP", (index) => {
    partition.writeMsr(APIC_BASE, EXTENDED);
    partition.readMsr(index);
    expect(partition.status).toBe(AccessStatus.GeneralProtection);
  });

  test("MSRs that are not the APIC's are open bus", () => {
    partition.readMsr(0x10);
    expect(partition.status).toBe(AccessStatus.OpenBus);
    partition.writeMsr(0x277, 1n);
    expect(partition.status).toBe(AccessStatus.OpenBus);
  });
});
