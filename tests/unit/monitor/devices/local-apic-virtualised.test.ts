// The monitor's part of a local APIC that the processor virtualises (SDM 3C chapter 30). The test is the processor: it changes the
// page as the manual says and makes the exits.

import { beforeEach, describe, expect, test } from "vitest";
import { ApicFeature, Mailbox, VcpuSignal, VirtualApicMode, VirtualApicPage } from "../../../../monitor/interface.ts";
import { type SimulatedPartition, startPartition } from "../harness.ts";
import { Apic, APIC_BASE, ApicGuest, ENABLED, EXTENDED, MASKED, PAGE, SELF } from "./local-apic-guest.ts";

const InterruptStatus = VcpuSignal.InterruptStatus;
const TriggerModes = VcpuSignal.TriggerModes;
const ALL = ApicFeature.VirtualInterrupts | ApicFeature.X2Apic;
const VECTOR = 0x61;
const PART = (VECTOR >> 5) * 16;
const BIT = 1 << (VECTOR & 31);
const SVR_ON = 0x1ff;
const INIT = 5 << 8;

let partition: SimulatedPartition;

async function start(apicFeatures: number, vcpus = 2): Promise<SimulatedPartition> {
  const started = await startPartition({ vcpus, apicFeatures });
  for (let vcpu = 0; vcpu < vcpus; vcpu++) started.monitor.interruptStatus(vcpu);
  return started;
}

/** A write that the processor virtualises, and its exit. */
function write(offset: number, value: number, vcpu = 0): void {
  partition.setPageRegister(offset, value, vcpu);
  partition.monitor.apicWrite(vcpu, offset);
}

const read = (offset: number, vcpu = 0): number => partition.pageRegister(offset, vcpu);
/** The processor delivers: SDM 3C 30.2.2. */
function deliver(vector: number): void {
  partition.setPageRegister(Apic.Irr + (vector >> 5) * 16, 0);
  partition.setPageRegister(Apic.Isr + (vector >> 5) * 16, 1 << (vector & 31));
}

beforeEach(async () => {
  partition = await start(ALL);
  write(Apic.Svr, SVR_ON);
  write(Apic.LvtLint0, MASKED);
  partition.monitor.interruptStatus(0);
});

describe("an interrupt", () => {
  test("waits beside IRR, which the processor may be changing, until the vCPU's own core asks", () => {
    write(Apic.IcrLow, VECTOR | SELF);
    expect(read(Apic.Irr + PART)).toBe(0);
    expect(partition.pendingVector()).toBe(InterruptStatus);
    expect(partition.monitor.interruptStatus(0)).toBe(VECTOR);
    expect(read(Apic.Irr + PART)).toBe(BIT);
    expect(partition.pendingVector()).toBe(0);
  });

  test("is not the kernel's to inject; the status has the highest request and the highest in service", () => {
    write(Apic.IcrLow, VECTOR | SELF);
    partition.monitor.interruptStatus(0);
    deliver(VECTOR);
    write(Apic.IcrLow, 0x45 | SELF);
    expect(partition.pendingVector()).toBe(InterruptStatus);
    expect(partition.monitor.interruptStatus(0)).toBe((VECTOR << 8) | 0x45);
    expect(read(Apic.Ppr)).toBe(VECTOR & 0xf0);
  });

  test("can be delivered by the kernel: IRR to ISR, and the status follows", () => {
    write(Apic.IcrLow, VECTOR | SELF);
    partition.monitor.interruptStatus(0);
    expect(partition.monitor.acknowledge(0)).toBe(VECTOR);
    expect(partition.monitor.interruptStatus(0)).toBe(VECTOR << 8);
  });

  test("of another vCPU leaves that one's IRR alone and signals it", () => {
    write(Apic.Svr, SVR_ON, 1);
    partition.monitor.interruptStatus(1);
    write(Apic.IcrHigh, 1 << 24);
    write(Apic.IcrLow, VECTOR);
    expect([read(Apic.Irr + PART, 1), partition.pendingVector(1)]).toEqual([0, InterruptStatus]);
    expect(partition.monitor.interruptStatus(1)).toBe(VECTOR);
  });

  test("of the PIC pair is injected, whatever the local APIC has", () => {
    write(Apic.LvtLint0, 0x700);
    partition.monitor.interruptStatus(0);
    for (const [port, value] of [[0x20, 0x11], [0x21, 0x20], [0x21, 4], [0x21, 1], [0x21, 0xfe]] as const) partition.out8(port, value);
    partition.out8(0x43, 0x34);
    partition.out8(0x40, 0xff);
    partition.out8(0x40, 0x10);
    partition.advance(partition.ticks(10_000));
    expect(partition.pendingVector() & 0xff).toBe(0x20);
    expect(partition.monitor.acknowledge(0)).toBe(0x20);
  });
});

describe("a level-triggered interrupt", () => {
  const IO_APIC = 0xfec0_0000n;
  const PIN = 4;

  test("is signalled, so that its EOI exits, and its EOI reaches the I/O APIC", () => {
    const entry = (index: number, value: number): void => {
      partition.write32(IO_APIC, index);
      partition.write32(IO_APIC + 0x10n, value);
    };
    entry(0x10 + 2 * PIN, VECTOR | (1 << 15));
    partition.out8(0x3f8 + 4, 8);
    partition.out8(0x3f8 + 1, 2); // the transmitter is empty
    expect(partition.pendingVector()).toBe(InterruptStatus | TriggerModes);
    expect(read(Apic.Tmr + PART)).toBe(BIT);
    expect(partition.monitor.interruptStatus(0)).toBe(VECTOR);
    deliver(VECTOR);
    partition.setPageRegister(Apic.Isr + PART, 0); // EOI
    partition.monitor.apicEndOfInterrupt(0, VECTOR);
    expect(partition.monitor.interruptStatus(0), "the line is still asserted").toBe(VECTOR);
    deliver(VECTOR);
    partition.out8(0x3f8 + 1, 0);
    partition.setPageRegister(Apic.Isr + PART, 0);
    partition.monitor.apicEndOfInterrupt(0, VECTOR);
    expect(partition.monitor.interruptStatus(0)).toBe(0);
  });
});

describe("a write that the processor has put into the page", () => {
  test.each([
    ["the identifier", Apic.Id, 0x7f00_0000, 0],
    ["LDR beyond its byte", Apic.Ldr, 0x04ff_ffff, 0x0400_0000],
    ["DFR", Apic.Dfr, 0, 0x0fff_ffff],
    ["reserved bits of SVR", Apic.Svr, 0xffff_ffff, 0x11ff],
    ["read-only bits of an LVT entry", Apic.LvtLint0, 0xffff_ffff, 0x1a7ff],
    ["reserved bits of the divide register", Apic.Divide, 0xffff_ffff, 0xb],
    ["delivery status of ICR", Apic.IcrLow, 0x0004_1061, 0x0004_0061],
  ])("%s is brought into form", (_name, offset, value, after) => {
    write(offset, value);
    expect(read(offset)).toBe(after);
  });

  test("ESR shows what was detected before, not what was written", () => {
    write(Apic.IcrLow, SELF | 5);
    write(Apic.Esr, 0xffff_ffff);
    expect(read(Apic.Esr)).toBe(0x60);
  });

  test("disabling masks the local vector table", () => {
    write(Apic.LvtError, VECTOR);
    write(Apic.Svr, 0xff);
    expect(read(Apic.LvtError)).toBe(VECTOR | MASKED);
    write(Apic.LvtError, VECTOR);
    expect(read(Apic.LvtError), "while it is disabled").toBe(VECTOR | MASKED);
  });

  test("a change of the timer's mode knows the mode before", () => {
    write(Apic.LvtTimer, VECTOR);
    write(Apic.InitialCount, 1000);
    expect(partition.deadline()).toBeLessThan(1n << 62n);
    write(Apic.LvtTimer, VECTOR | (2 << 17));
    expect([read(Apic.InitialCount), partition.deadline()]).toEqual([0, 0xffff_ffff_ffff_ffffn]);
    write(Apic.InitialCount, 77);
    expect(read(Apic.InitialCount), "ignored in deadline mode").toBe(0);
  });

  test("a new divide value leaves the count where it is", () => {
    write(Apic.Divide, 0xb);
    write(Apic.LvtTimer, VECTOR);
    write(Apic.InitialCount, 1000);
    partition.advance(400n);
    write(Apic.Divide, 0);
    expect(partition.read32(PAGE + BigInt(Apic.CurrentCount))).toBe(600);
  });
});

describe("an interrupt for a vCPU on another core, with posted interrupts", () => {
  const LEVEL = 1 << 15;
  const kicks = (): number => {
    const value = partition.peek32(Mailbox.Kick);
    partition.poke32(Mailbox.Kick, 0);
    return value;
  };
  const ipi = (): void => {
    write(Apic.IcrHigh, 1 << 24);
    write(Apic.IcrLow, VECTOR);
  };

  beforeEach(async () => {
    partition = await start(ALL | ApicFeature.Posted);
    for (const vcpu of [0, 1]) {
      write(Apic.Svr, SVR_ON, vcpu);
      partition.monitor.interruptStatus(vcpu);
    }
    kicks();
  });

  test("waits for the kernel to post it, and its core need not look", () => {
    ipi();
    expect([kicks(), partition.pendingVector(1), read(VirtualApicPage.Posted + PART, 1), read(Apic.Irr + PART, 1)]).toEqual([1 << 9, 0, BIT, 0]);
  });

  test("is the own core's to fetch where that must look anyway", () => {
    write(Apic.IcrHigh, 1 << 24);
    write(Apic.IcrLow, INIT | (1 << 14));
    kicks();
    write(Apic.Svr, SVR_ON, 1);
    ipi();
    expect(kicks() >> 8).toBe(0);
    expect(partition.pendingVector(1)).toBe(InterruptStatus);
  });

  test("is the own core's to fetch where its EOI must exit from now on", () => {
    partition.write32(0xfec0_0000n, 0x10 + 2 * 4 + 1);
    partition.write32(0xfec0_0010n, 1 << 24);
    partition.write32(0xfec0_0000n, 0x10 + 2 * 4);
    partition.write32(0xfec0_0010n, VECTOR | LEVEL);
    partition.out8(0x3f8 + 4, 8);
    partition.out8(0x3f8 + 1, 2);
    expect([kicks(), partition.pendingVector(1)]).toEqual([1 << 1, InterruptStatus | TriggerModes]);
  });

  test("that was posted while its vCPU did not run comes with the status, and the descriptor is empty then", () => {
    partition.setPageRegister(VirtualApicPage.Descriptor + (VECTOR >> 5) * 4, BIT, 1);
    partition.setPageRegister(VirtualApicPage.DescriptorControl, 1, 1);
    expect(partition.monitor.interruptStatus(1)).toBe(VECTOR);
    expect([read(VirtualApicPage.Descriptor + (VECTOR >> 5) * 4, 1), read(VirtualApicPage.DescriptorControl, 1)]).toEqual([0, 0]);
  });

  test("of its own vCPU is never posted", () => {
    write(Apic.IcrLow, VECTOR | SELF);
    expect([kicks(), partition.pendingVector()]).toEqual([0, InterruptStatus]);
  });
});

describe("the mode follows IA32_APIC_BASE and the processor", () => {
  test.each([
    ["xAPIC", ALL, [ENABLED], VirtualApicMode.Page],
    ["x2APIC", ALL, [EXTENDED], VirtualApicMode.Registers],
    ["x2APIC that the processor does not virtualise", ApicFeature.VirtualInterrupts, [EXTENDED], VirtualApicMode.Software],
    ["off", ALL, [0xfee0_0000n], VirtualApicMode.Software],
    ["off and on again, and not enabled by software yet", ALL, [0xfee0_0000n, ENABLED], VirtualApicMode.Software],
    ["a page elsewhere", ALL, [0xbff0_0800n], VirtualApicMode.Software],
    ["no virtual-interrupt delivery", 0, [ENABLED], VirtualApicMode.Software],
  ])("%s", async (_name, features, values, mode) => {
    partition = await start(features);
    for (const value of values) partition.writeMsr(APIC_BASE, value);
    expect(partition.apicMode()).toBe(mode);
    if (mode !== VirtualApicMode.Software && values.length === 1 && values[0] !== ENABLED) expect(partition.pendingVector()).toBe(InterruptStatus | TriggerModes);
  });

  test("what had arrived is not lost when the monitor takes over", () => {
    write(Apic.IcrLow, VECTOR | SELF);
    partition.writeMsr(APIC_BASE, 0xbff0_0900n);
    expect(partition.monitor.interruptStatus(0)).toBe(0);
    expect(partition.pendingVector()).toBe(VECTOR);
  });

  test("a vCPU that may run is reset by INIT a second time on its own core", () => {
    write(Apic.Svr, SVR_ON, 1);
    write(Apic.IcrHigh, 1 << 24);
    write(Apic.IcrLow, INIT | (1 << 14));
    partition.setPageRegister(Apic.Isr + PART, BIT, 1); // delivered meanwhile
    expect(partition.monitor.interruptStatus(1)).toBe(0);
    expect([read(Apic.Isr + PART, 1), read(Apic.Svr, 1), partition.apicMode(1)]).toEqual([0, 0xff, VirtualApicMode.Software]);
  });

  test("a software-disabled one is the monitor's: it keeps IRR and ISR, takes nothing, shows nothing, and what it had comes back", () => {
    write(Apic.IcrLow, 0xa1 | SELF);
    partition.monitor.interruptStatus(0);
    deliver(0xa1);
    write(Apic.IcrLow, VECTOR | SELF);
    write(Apic.Svr, 0xff);
    expect([partition.monitor.interruptStatus(0), partition.apicMode(), partition.pendingVector()]).toEqual([0, VirtualApicMode.Software, 0]);
    partition.write32(PAGE + BigInt(Apic.IcrLow), 0x71 | SELF);
    partition.write32(PAGE + BigInt(Apic.Eoi), 0);
    const maps = [read(Apic.Irr + PART), read(Apic.Isr + (0xa1 >> 5) * 16)];
    expect([maps, partition.pendingVector()]).toEqual([[BIT, 0], 0]);
    partition.write32(PAGE + BigInt(Apic.Svr), SVR_ON);
    expect([partition.apicMode(), partition.pendingVector(), partition.monitor.interruptStatus(0)]).toEqual([VirtualApicMode.Page, InterruptStatus | TriggerModes, VECTOR]);
  });

  test("x2APIC registers exit as before but for those of the page: SELF IPI of an illegal vector is an error", () => {
    partition.writeMsr(APIC_BASE, EXTENDED);
    write(Apic.SelfIpi, 3);
    partition.writeMsr(0x828, 0n);
    expect(read(Apic.Esr)).toBe(0x60);
  });
});

test("without virtual-interrupt delivery nothing is signalled", async () => {
  const guest = new ApicGuest(await start(0));
  guest.write(Apic.Svr, SVR_ON);
  guest.write(Apic.LvtLint0, MASKED);
  guest.sendSelf(VECTOR);
  expect(guest.partition.pendingVector()).toBe(VECTOR);
});
