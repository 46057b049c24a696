// The PIC pair behind the local APICs: ExtINT through the I/O APIC and LINT0 in its modes (82093AA data sheet 3.2.4, SDM 3A 11.5.1, MP specification 3.6.2).

import { beforeEach, describe, expect, test } from "vitest";
import { AccessStatus, ApicFeature, Device, VcpuStart } from "../../../../monitor/interface.ts";
import { ALL_DEVICES, type SimulatedPartition, startPartition } from "../harness.ts";
import { APIC_BASE, Apic, ApicGuest, LOGICAL, MASKED } from "./local-apic-guest.ts";

const IO_APIC = 0xfec0_0000n;
const EXTINT = 7 << 8;
const FIXED = 0;
const LEVEL = 1 << 15;
const REMOTE_IRR = 1 << 14;
const PIC_PIN = 0x10;
const UART_PIN = 0x10 + 4 * 2;
const TIMER = 0x30;
const UART = 0x34;
const SPURIOUS = 0x37;

let guest: ApicGuest;
let partition: SimulatedPartition;
const write = (index: number, value: number) => {
  partition.write32(IO_APIC, index);
  partition.write32(IO_APIC + 0x10n, value);
};
const route = (pin: number, low: number, destination = 0) => {
  write(pin + 1, destination << 24);
  write(pin, low);
};
const acknowledge = (vcpu = 0) => partition.monitor.acknowledge(vcpu);
/** IRQ 0 and IRQ 4. */
const raiseTimer = () => {
  partition.out8(0x43, 0x10);
  partition.out8(0x40, 2);
  partition.advance(partition.ticks(10));
};
const raiseUart = () => {
  partition.out8(0x3fc, 0x08);
  partition.out8(0x3f9, 0);
  partition.out8(0x3f9, 0x02);
};
const endOfInterrupt = () => partition.out8(0x20, 0x20);
const inService = () => {
  partition.out8(0x20, 0x0b);
  return partition.in8(0x20);
};

beforeEach(async () => {
  guest = await ApicGuest.start(3);
  partition = guest.partition;
  for (const [port, value] of [[0x20, 0x11], [0x21, TIMER], [0x21, 4], [0x21, 1], [0x21, 0xee]] as const) partition.out8(port, value);
});

describe("ExtINT by pin 0, the PIC's output", () => {
  test("the vCPU that the entry names acknowledges the PIC, once for each interrupt", () => {
    route(PIC_PIN, EXTINT, 1);
    raiseTimer();
    expect(guest.pending().map((vector) => vector !== 0)).toEqual([false, true, false, false]);
    expect([acknowledge(1), inService(), guest.pending()]).toEqual([TIMER, 1, [0, 0, 0, 0]]);
    expect([guest.bit(Apic.Isr, TIMER, 1), guest.bit(Apic.Irr, TIMER, 1)]).toEqual([0, 0]);
    endOfInterrupt();
    raiseTimer();
    expect(acknowledge(1)).toBe(TIMER);
  });

  test("a second request is an edge of its own when the first is acknowledged or ended", () => {
    route(PIC_PIN, EXTINT);
    raiseUart();
    raiseTimer();
    expect([acknowledge(), partition.pendingVector()]).toEqual([TIMER, 0]);
    endOfInterrupt();
    expect(acknowledge()).toBe(UART);
  });

  test("with AEOI the output falls and rises between two requests", () => {
    for (const [port, value] of [[0x20, 0x11], [0x21, TIMER], [0x21, 4], [0x21, 3], [0x21, 0xee]] as const) partition.out8(port, value);
    route(PIC_PIN, EXTINT, 2);
    raiseUart();
    raiseTimer();
    expect([acknowledge(2), acknowledge(2), acknowledge(2)]).toEqual([TIMER, UART, 0]);
  });

  test("a poll is an acknowledge: the next request is an edge", () => {
    route(PIC_PIN, MASKED | EXTINT);
    raiseTimer();
    route(PIC_PIN, EXTINT);
    expect(partition.pendingVector()).toBe(0); // that edge was lost
    raiseUart();
    partition.out8(0x20, 0x0c);
    expect(partition.in8(0x20)).toBe(0x80);
    endOfInterrupt();
    expect(acknowledge()).toBe(UART);
  });

  test("a request that went before the acknowledge gives the spurious vector, and nothing in service", () => {
    route(PIC_PIN, EXTINT);
    raiseTimer();
    partition.out8(0x21, 0xff);
    expect([acknowledge(), inService(), partition.pendingVector()]).toEqual([SPURIOUS, 0, 0]);
  });

  test("TPR does not hold it back, and it goes before the local APIC's own", () => {
    route(PIC_PIN, EXTINT);
    guest.write(Apic.Tpr, 0xf0);
    guest.sendSelf(0xf5);
    raiseTimer();
    expect(acknowledge()).toBe(TIMER);
    guest.write(Apic.Tpr, 0);
    expect(acknowledge()).toBe(0xf5);
  });

  test("logical destination, several at once: the first to acknowledge gets the vector", () => {
    for (const vcpu of [0, 1]) guest.write(Apic.Ldr, 1 << (24 + vcpu), vcpu);
    route(PIC_PIN, LOGICAL | EXTINT, 3);
    raiseTimer();
    expect([acknowledge(1), acknowledge(0), acknowledge(2)]).toEqual([TIMER, SPURIOUS, 0]);
  });

  test.each([
    ["software-disabled", () => guest.write(Apic.Svr, 0xff)],
    ["globally disabled", () => partition.writeMsr(APIC_BASE, 0xfee0_0000n)],
  ])("a %s APIC takes none by message", (_state, disable) => {
    route(PIC_PIN, EXTINT, 0);
    disable();
    partition.writeMsr(APIC_BASE, partition.readMsr(APIC_BASE) | 0x800n);
    raiseTimer();
    expect(partition.pendingVector()).toBe(0);
  });

  test("INIT of the receiver forgets it", () => {
    route(PIC_PIN, EXTINT, 1);
    raiseTimer();
    guest.send(1, 5 << 8);
    expect([partition.pendingVector(1), acknowledge(1)]).toEqual([0, 0]);
  });

  test("without a PIC nobody would answer the acknowledge", async () => {
    partition = await startPartition({ devices: ALL_DEVICES & ~Device.Pic });
    route(UART_PIN, EXTINT);
    raiseUart();
    expect(partition.pendingVector()).toBe(0);
  });
});

describe("ExtINT by another pin", () => {
  test("an edge of the pin has the PIC acknowledged, whatever the entry's vector", () => {
    partition.out8(0x21, 0xef);
    route(UART_PIN, EXTINT | 0x99, 2);
    raiseUart();
    expect([acknowledge(2), guest.bit(Apic.Irr, 0x99, 2)]).toEqual([UART, 0]);
  });

  test("if the PIC has nothing to give, spurious", () => {
    partition.out8(0x21, 0xff);
    route(UART_PIN, LEVEL | EXTINT);
    raiseUart();
    expect([acknowledge(), partition.pendingVector()]).toEqual([SPURIOUS, 0]);
    partition.write32(IO_APIC, UART_PIN);
    expect(partition.read32(IO_APIC + 0x10n)).toBe(LEVEL | EXTINT); // an edge: no remote IRR
  });
});

test("ICR's delivery mode 7 is reserved: no ExtINT by IPI", () => {
  guest.send(1, EXTINT | 0x44);
  expect([guest.pending(), guest.errors(), partition.status]).toEqual([[0, 0, 0, 0], 0, AccessStatus.Done]);
});

describe("LINT0", () => {
  const entry = () => guest.read(Apic.LvtLint0);

  test("fixed and edge: masked, the edge is lost; nobody acknowledges the PIC", () => {
    guest.write(Apic.LvtLint0, MASKED | 0x77);
    raiseTimer();
    guest.write(Apic.LvtLint0, 0x77);
    expect([partition.pendingVector(), inService()]).toEqual([0, 0]);
    partition.out8(0x21, 0xff);
    partition.out8(0x21, 0xee);
    expect([acknowledge(), inService()]).toEqual([0x77, 0]);
  });

  test("fixed and level: remote IRR until EOI, then again while the PIC is not acknowledged", () => {
    guest.write(Apic.LvtLint0, LEVEL | 0x77);
    raiseTimer();
    expect([acknowledge(), entry(), guest.bit(Apic.Tmr, 0x77), partition.pendingVector()]).toEqual([0x77, LEVEL | REMOTE_IRR | 0x77, 1, 0]);
    guest.write(Apic.Eoi, 0);
    expect([acknowledge(), entry()]).toEqual([0x77, LEVEL | REMOTE_IRR | 0x77]);
    partition.out8(0x20, 0x0c);
    expect(partition.in8(0x20)).toBe(0x80);
    guest.write(Apic.Eoi, 0);
    expect([partition.pendingVector(), entry()]).toEqual([0, LEVEL | 0x77]);
  });

  test("level: EOI of another vector leaves it; with suppressed broadcasts it ends all the same", () => {
    guest.write(Apic.Svr, 0x11ff);
    guest.write(Apic.LvtLint0, LEVEL | 0x77);
    raiseTimer();
    acknowledge();
    route(UART_PIN, LEVEL | 0x99);
    raiseUart();
    expect(acknowledge()).toBe(0x99);
    guest.write(Apic.Eoi, 0);
    expect(entry()).toBe(LEVEL | REMOTE_IRR | 0x77);
    partition.out8(0x21, 0xff);
    guest.write(Apic.Eoi, 0);
    expect(entry()).toBe(LEVEL | 0x77);
  });

  test("level: unmasked while the line is high it interrupts; a write keeps remote IRR, edge mode drops it", () => {
    guest.write(Apic.LvtLint0, MASKED | LEVEL | 0x77);
    raiseTimer();
    guest.write(Apic.LvtLint0, LEVEL | 0x77);
    expect([acknowledge(), entry()]).toEqual([0x77, LEVEL | REMOTE_IRR | 0x77]);
    guest.write(Apic.LvtLint0, MASKED | LEVEL | 0x77);
    expect(entry()).toBe(MASKED | LEVEL | REMOTE_IRR | 0x77);
    guest.write(Apic.LvtLint0, MASKED | 0x77);
    expect(entry()).toBe(MASKED | 0x77);
  });

  test("level, on a virtualised APIC: remote IRR survives the processor's own write of the entry", async () => {
    partition = await startPartition({ apicFeatures: ApicFeature.VirtualInterrupts });
    const writeVirtualised = (register: number, value: number) => {
      partition.setPageRegister(register, value);
      partition.monitor.apicWrite(0, register);
    };
    partition.monitor.interruptStatus(0);
    for (const [port, value] of [[0x20, 0x11], [0x21, TIMER], [0x21, 4], [0x21, 1], [0x21, 0xee]] as const) partition.out8(port, value);
    writeVirtualised(Apic.LvtLint0, LEVEL | 0x77);
    raiseTimer();
    expect([partition.monitor.interruptStatus(0), partition.pageRegister(Apic.LvtLint0)]).toEqual([0x77, LEVEL | REMOTE_IRR | 0x77]);
    writeVirtualised(Apic.LvtLint0, MASKED | LEVEL | 0x77);
    expect(partition.pageRegister(Apic.LvtLint0)).toBe(MASKED | LEVEL | REMOTE_IRR | 0x77);
    partition.monitor.apicEndOfInterrupt(0, 0x77);
    expect(partition.pageRegister(Apic.LvtLint0)).toBe(MASKED | LEVEL | 0x77);
  });

  test.each([["NMI", 4], ["INIT", 5]])("%s is an edge even if the entry says level", (_name, mode) => {
    guest.write(Apic.LvtLint0, LEVEL | (mode << 8) | 0x77);
    raiseTimer();
    const seen = mode === 4 ? partition.pendingNmi() : Number(partition.startRequest(0).start === VcpuStart.Init);
    expect([seen, partition.pendingVector(), inService()]).toEqual([1, 0, 0]);
  });

  test.each([["SMI", 2], ["lowest priority", 1], ["start-up", 6]])("%s delivers nothing", (_name, mode) => {
    guest.write(Apic.LvtLint0, (mode << 8) | 0x77);
    raiseTimer();
    expect([partition.pendingNmi(), partition.pendingVector(), partition.startRequest(0).start]).toEqual([0, 0, VcpuStart.None]);
  });

  test("ExtINT is a level: unmasked while the output is high it counts", () => {
    raiseTimer();
    guest.write(Apic.LvtLint0, FIXED | EXTINT);
    expect(acknowledge()).toBe(TIMER);
  });
});
