import { beforeEach, describe, expect, test } from "vitest";
import { AccessStatus, Device, VcpuStart } from "../../../../monitor/interface.ts";
import { ALL_DEVICES, NEVER, type SimulatedPartition, startPartition } from "../harness.ts";

const PAGE = 0xfee0_0000n;
const enum Apic {
  Id = 0x20, Version = 0x30, Tpr = 0x80, Ppr = 0xa0, Eoi = 0xb0, Ldr = 0xd0, Dfr = 0xe0, Svr = 0xf0,
  Isr = 0x100, Tmr = 0x180, Irr = 0x200, Esr = 0x280, IcrLow = 0x300, IcrHigh = 0x310,
  LvtTimer = 0x320, LvtLint0 = 0x350, LvtError = 0x370, InitialCount = 0x380, CurrentCount = 0x390, Divide = 0x3e0,
}
const APIC_BASE = 0x1b;
const ENABLED = 0xfee0_0800n;
const EXTENDED = 0xfee0_0c00n;
const SELF = 1 << 18;
const MASKED = 1 << 16;

let partition: SimulatedPartition;
const read = (register: Apic, vcpu = 0) => partition.read32(PAGE + BigInt(register), vcpu);
const write = (register: Apic, value: number, vcpu = 0) => partition.write32(PAGE + BigInt(register), value, vcpu);
/** The bit of `vector` in IRR, ISR or TMR. */
const bit = (map: Apic, vector: number, vcpu = 0) => (partition.read32(PAGE + BigInt(map + (vector >> 5) * 16), vcpu) >>> (vector & 31)) & 1;
const sendSelf = (vector: number, vcpu = 0) => write(Apic.IcrLow, SELF | vector, vcpu);

beforeEach(async () => {
  partition = await startPartition({ vcpus: 4 });
  write(Apic.LvtLint0, MASKED);
  for (const vcpu of [0, 1, 2, 3]) write(Apic.Svr, 0x1ff, vcpu);
});

describe("registers after power-up", () => {
  test("boot processor in virtual-wire mode, the others as after reset", async () => {
    partition = await startPartition({ vcpus: 2 });
    expect([read(Apic.Svr), read(Apic.LvtLint0)]).toEqual([0x1ff, 0x700]);
    expect([read(Apic.Svr, 1), read(Apic.LvtLint0, 1)]).toEqual([0xff, MASKED]);
    expect([read(Apic.Id), read(Apic.Id, 1), read(Apic.Version)]).toEqual([0, 1 << 24, 0x105_0014]);
    expect([partition.readMsr(APIC_BASE), partition.readMsr(APIC_BASE, 1)]).toEqual([0xfee0_0900n, ENABLED]);
    expect([read(Apic.Dfr), read(Apic.LvtTimer), partition.deadline(), partition.pendingVector()]).toEqual([0xffff_ffff, MASKED, NEVER, 0]);
  });

  test("without the device, page and MSRs are open bus", async () => {
    partition = await startPartition({ devices: ALL_DEVICES & ~Device.LocalApic });
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

describe("timer", () => {
  const DIVIDE_BY_16 = 3;
  const PERIODIC = 1 << 17;
  const TSC_DEADLINE = 2 << 17;
  const DEADLINE_MSR = 0x6e0;

  test("one-shot counts down by the divide value and fires once", () => {
    write(Apic.Divide, DIVIDE_BY_16);
    write(Apic.LvtTimer, 0xec);
    write(Apic.InitialCount, 1000);
    const start = partition.tsc;
    expect([read(Apic.CurrentCount), partition.deadline()]).toEqual([1000, start + 16_000n]);
    partition.tsc = start + 4_000n;
    expect(read(Apic.CurrentCount)).toBe(750);
    partition.monitor.timer(0);
    expect(partition.pendingVector()).toBe(0);
    partition.tsc = start + 16_000n;
    expect(read(Apic.CurrentCount)).toBe(0);
    partition.monitor.timer(0);
    expect([partition.monitor.acknowledge(0), partition.deadline()]).toEqual([0xec, NEVER]);
    write(Apic.Eoi, 0);
    partition.advance(1_000_000n);
    expect(partition.pendingVector()).toBe(0);
  });

  test.each([[0, 2], [1, 4], [2, 8], [3, 16], [8, 32], [9, 64], [10, 128], [11, 1]])("divide configuration %i divides by %i", (encoding, divide) => {
    write(Apic.Divide, encoding);
    write(Apic.LvtTimer, 0xec);
    write(Apic.InitialCount, 1000);
    expect(partition.deadline()).toBe(partition.tsc + BigInt(1000 * divide));
    partition.tsc += BigInt(400 * divide);
    expect(read(Apic.CurrentCount)).toBe(600);
  });

  test("periodic keeps its phase and skips what was lost", () => {
    write(Apic.Divide, 11);
    write(Apic.LvtTimer, PERIODIC | 0xec);
    write(Apic.InitialCount, 10_000);
    const start = partition.tsc;
    partition.tsc = start + 13_000n;
    partition.monitor.timer(0);
    expect([partition.monitor.acknowledge(0), partition.deadline(), read(Apic.CurrentCount)]).toEqual([0xec, start + 20_000n, 7_000]);
    write(Apic.Eoi, 0);
    partition.tsc = start + 70_000n;
    partition.monitor.timer(0);
    expect([partition.pendingVector(), partition.deadline()]).toEqual([0xec, start + 80_000n]);
  });

  test("a period too short to get on in fires, but leaves 1024 ticks between", () => {
    write(Apic.Divide, 11);
    write(Apic.LvtTimer, PERIODIC | 0xec);
    write(Apic.InitialCount, 1);
    partition.tsc = partition.deadline();
    partition.monitor.timer(0);
    expect([partition.monitor.acknowledge(0), partition.deadline()]).toEqual([0xec, partition.tsc + 1024n]);
    partition.advance(1024n);
    write(Apic.Eoi, 0);
    expect(partition.pendingVector()).toBe(0xec);
  });

  test("a masked timer counts without deadline and without interrupt", () => {
    write(Apic.Divide, 11);
    write(Apic.LvtTimer, MASKED | PERIODIC | 0xec);
    write(Apic.InitialCount, 1000);
    partition.tsc += 2_400n;
    expect([partition.deadline(), read(Apic.CurrentCount)]).toEqual([NEVER, 600]);
    write(Apic.LvtTimer, PERIODIC | 0xec);
    expect([partition.pendingVector(), partition.deadline()]).toEqual([0, partition.tsc + 600n]);
  });

  test("a one-shot that expired masked does not fire when it is unmasked", () => {
    write(Apic.LvtTimer, MASKED | 0xec);
    write(Apic.InitialCount, 10);
    partition.tsc += 1_000n;
    write(Apic.LvtTimer, 0xec);
    partition.monitor.timer(0);
    expect([partition.pendingVector(), partition.deadline()]).toEqual([0, NEVER]);
  });

  test("count 0 stops, a changed divide goes on with what is left", () => {
    write(Apic.Divide, 11);
    write(Apic.LvtTimer, 0xec);
    write(Apic.InitialCount, 1000);
    partition.tsc += 500n;
    write(Apic.Divide, 0);
    expect([read(Apic.CurrentCount), partition.deadline()]).toEqual([500, partition.tsc + 1_000n]);
    write(Apic.InitialCount, 0);
    expect([read(Apic.CurrentCount), partition.deadline()]).toEqual([0, NEVER]);
  });

  test("TSC deadline", () => {
    partition.writeMsr(DEADLINE_MSR, partition.tsc + 5n);
    expect([partition.readMsr(DEADLINE_MSR), partition.deadline()]).toEqual([0n, NEVER]); // another mode
    write(Apic.LvtTimer, TSC_DEADLINE | 0xec);
    const deadline = partition.tsc + 777n;
    partition.writeMsr(DEADLINE_MSR, deadline);
    expect([partition.readMsr(DEADLINE_MSR), partition.deadline(), read(Apic.CurrentCount)]).toEqual([deadline, deadline, 0]);
    partition.advance(776n);
    expect(partition.pendingVector()).toBe(0);
    partition.advance(1n);
    expect([partition.pendingVector(), partition.readMsr(DEADLINE_MSR), partition.deadline()]).toEqual([0xec, 0n, NEVER]);
  });

  test("a TSC deadline that has passed fires at once; 0 disarms; leaving the mode disarms", () => {
    write(Apic.LvtTimer, TSC_DEADLINE | 0xec);
    partition.writeMsr(DEADLINE_MSR, partition.tsc + 100n);
    partition.writeMsr(DEADLINE_MSR, 0n);
    expect(partition.deadline()).toBe(NEVER);
    partition.writeMsr(DEADLINE_MSR, partition.tsc + 100n);
    write(Apic.LvtTimer, 0xec);
    expect(partition.deadline()).toBe(NEVER);
    write(Apic.LvtTimer, TSC_DEADLINE | 0xec);
    partition.writeMsr(DEADLINE_MSR, partition.tsc);
    expect(partition.pendingVector()).toBe(0xec);
  });

  test("each vCPU has its own deadline", () => {
    write(Apic.LvtTimer, TSC_DEADLINE | 0xe0, 2);
    partition.writeMsr(DEADLINE_MSR, partition.tsc + 50n, 2);
    expect([0, 1, 2, 3].map((vcpu) => partition.deadline(vcpu))).toEqual([NEVER, NEVER, partition.tsc + 50n, NEVER]);
    partition.advance(60n);
    expect([0, 1, 2, 3].map((vcpu) => partition.pendingVector(vcpu))).toEqual([0, 0, 0xe0, 0]);
  });
});

describe("interprocessor interrupts", () => {
  const send = (destination: number, low: number, from = 0) => {
    write(Apic.IcrHigh, destination << 24, from);
    write(Apic.IcrLow, low, from);
  };
  const pending = () => [0, 1, 2, 3].map((vcpu) => partition.pendingVector(vcpu));

  test("physical destination, broadcast and shorthands", () => {
    send(2, 0x51);
    expect(pending()).toEqual([0, 0, 0x51, 0]);
    send(0xff, 0x61);
    expect(pending()).toEqual([0x61, 0x61, 0x61, 0x61]);
    send(0, (2 << 18) | 0x71, 1);
    expect(pending()).toEqual([0x71, 0x71, 0x71, 0x71]);
    send(0, (3 << 18) | 0x81, 1);
    expect(pending()).toEqual([0x81, 0x71, 0x81, 0x81]);
  });

  test("logical destination in the flat and the cluster model", () => {
    const LOGICAL = 1 << 11;
    for (const vcpu of [0, 1, 2, 3]) write(Apic.Ldr, 1 << (24 + vcpu), vcpu);
    send(0b1010, LOGICAL | 0x51);
    expect(pending()).toEqual([0, 0x51, 0, 0x51]);
    for (const vcpu of [0, 1, 2, 3]) {
      write(Apic.Dfr, 0x0fff_ffff, vcpu);
      write(Apic.Ldr, ((vcpu >> 1) << 28) | (1 << (24 + (vcpu & 1))), vcpu);
    }
    send(0x12, LOGICAL | 0x61);
    expect(pending()).toEqual([0, 0x51, 0, 0x61]);
  });

  test("lowest priority takes the vCPU that does the least", () => {
    const LOGICAL_LOWEST = (1 << 11) | (1 << 8);
    for (const vcpu of [0, 1, 2, 3]) write(Apic.Ldr, 1 << (24 + vcpu), vcpu);
    write(Apic.Tpr, 0x30, 0);
    write(Apic.Tpr, 0x20, 1);
    send(0b0011, LOGICAL_LOWEST | 0x91);
    expect(pending()).toEqual([0, 0x91, 0, 0]);
  });

  test("NMI", () => {
    send(3, 4 << 8);
    expect([partition.pendingNmi(3), partition.pendingVector(3)]).toEqual([1, 0]);
    partition.monitor.acknowledgeNmi(3);
    expect(partition.pendingNmi(3)).toBe(0);
  });

  test("INIT resets the target's APIC, its de-assertion does nothing, SIPI names the page", () => {
    send(1, 0xc500);
    expect([partition.startRequest(1), read(Apic.Svr, 1)]).toEqual([{ start: VcpuStart.Init, vector: 0 }, 0xff]);
    send(2, 0x8500);
    expect(partition.startRequest(2).start).toBe(VcpuStart.None);
    send(1, 0x0699);
    expect(partition.startRequest(1)).toEqual({ start: VcpuStart.InitSipi, vector: 0x99 });
    send(1, 0x0642); // the first counts
    expect(partition.startRequest(1)).toEqual({ start: VcpuStart.InitSipi, vector: 0x99 });
    send(2, 0x0642);
    expect(partition.startRequest(2)).toEqual({ start: VcpuStart.Sipi, vector: 0x42 });
    expect(partition.startRequest(0).start).toBe(VcpuStart.None);
  });

  test("vectors below 16 are errors, latched by a write, with the error interrupt", () => {
    write(Apic.LvtError, 0xfe);
    sendSelf(0x0f);
    expect([read(Apic.Esr), partition.pendingVector()]).toEqual([0, 0xfe]);
    write(Apic.Esr, 0);
    expect(read(Apic.Esr)).toBe(0x60); // sent and received
    write(Apic.Esr, 0);
    expect(read(Apic.Esr)).toBe(0);
    write(Apic.LvtError, 0x05); // its own vector is illegal: no interrupt, no endless error
    sendSelf(0x03);
    expect(bit(Apic.Irr, 5)).toBe(0);
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
