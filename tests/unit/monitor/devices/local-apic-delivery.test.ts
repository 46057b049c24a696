// Destinations of interprocessor interrupts, end of interrupt and its broadcast (SDM 3A 11.6, 11.8.5).

import { beforeEach, describe, expect, test } from "vitest";
import { AccessStatus, VcpuStart } from "../../../../monitor/interface.ts";
import { Apic, APIC_BASE, ApicGuest, EXTENDED, LOGICAL } from "./local-apic-guest.ts";

let guest: ApicGuest;
const setBase = (value: bigint, vcpu: number) => {
  guest.partition.writeMsr(APIC_BASE, value, vcpu);
  expect(guest.partition.status).toBe(AccessStatus.Done);
};
const status = (access: () => unknown) => {
  access();
  return guest.partition.status;
};

beforeEach(async () => {
  guest = await ApicGuest.start();
});

describe("interprocessor interrupts", () => {
  test("INIT and start-up by a shorthand that includes the sender do nothing", () => {
    for (const shorthand of [1, 2]) for (const mode of [5, 6]) guest.write(Apic.IcrLow, (shorthand << 18) | (1 << 14) | (mode << 8) | 0x10);
    expect([0, 1, 2, 3].map((vcpu) => guest.partition.startRequest(vcpu).start)).toEqual([0, 0, 0, 0]);
    expect(guest.read(Apic.Svr)).toBe(0x1ff);
    guest.write(Apic.IcrLow, (3 << 18) | 0x610);
    expect([0, 1, 2, 3].map((vcpu) => guest.partition.startRequest(vcpu).start)).toEqual([0, VcpuStart.Sipi, VcpuStart.Sipi, VcpuStart.Sipi]);
  });

  test("lowest priority passes a software-disabled APIC over", () => {
    for (const vcpu of [0, 1, 2, 3]) guest.write(Apic.Ldr, 1 << (24 + vcpu), vcpu);
    guest.write(Apic.Svr, 0xff, 1);
    guest.write(Apic.Tpr, 0x40, 2);
    guest.send(0b0110, LOGICAL | 0x100 | 0x91);
    expect(guest.pending()).toEqual([0, 0, 0x91, 0]);
  });

  test("a software-disabled APIC takes NMI, INIT and SIPI and sends", () => {
    guest.write(Apic.Svr, 0xff, 1);
    guest.send(1, 4 << 8);
    guest.send(1, 0x620);
    expect([guest.partition.pendingNmi(1), guest.partition.startRequest(1)]).toEqual([1, { start: VcpuStart.Sipi, vector: 0x20 }]);
    guest.send(2, 0x51, 1);
    expect(guest.partition.pendingVector(2)).toBe(0x51);
  });

  test("cluster model: another cluster, all of a cluster, broadcast", () => {
    for (const vcpu of [0, 1, 2, 3]) {
      guest.write(Apic.Dfr, 0x0fff_ffff, vcpu);
      guest.write(Apic.Ldr, (vcpu >> 1 << 28) | (1 << (24 + (vcpu & 1))), vcpu);
    }
    guest.send(0x2f, LOGICAL | 0x40);
    expect(guest.pending()).toEqual([0, 0, 0, 0]);
    guest.send(0x1f, LOGICAL | 0x41);
    expect(guest.pending()).toEqual([0, 0, 0x41, 0x41]);
    guest.send(0xff, LOGICAL | 0x42);
    expect(guest.pending()).toEqual([0x42, 0x42, 0x42, 0x42]);
  });

  test("x2APIC cluster 0 does not hear cluster 1", () => {
    for (const vcpu of [0, 1, 2, 3]) setBase(EXTENDED, vcpu);
    guest.partition.writeMsr(0x830, (0x1_000fn << 32n) | 0x866n);
    expect(guest.pending()).toEqual([0, 0, 0, 0]);
  });
});

describe("EOI", () => {
  const IO_APIC = 0xfec0_0000n;
  const LEVEL = 1 << 15;
  const REMOTE_IRR = 1 << 14;
  const UART_ENTRY = 0x18;
  const raise = () => {
    guest.partition.write32(IO_APIC, UART_ENTRY);
    guest.partition.write32(IO_APIC + 0x10n, LEVEL | 0x44);
    guest.partition.out8(0x3fc, 0x08);
    guest.partition.out8(0x3f9, 0x02);
  };
  const remoteIrr = () => guest.partition.read32(IO_APIC + 0x10n) & REMOTE_IRR;

  test("with SVR bit 12 no broadcast: the I/O APIC's EOI register ends it", () => {
    guest.write(Apic.Svr, 0x11ff);
    expect(guest.read(Apic.Svr)).toBe(0x11ff);
    raise();
    expect(guest.partition.monitor.acknowledge(0)).toBe(0x44);
    guest.partition.out8(0x3f9, 0);
    guest.write(Apic.Eoi, 0);
    expect([guest.bit(Apic.Isr, 0x44), remoteIrr()]).toEqual([0, REMOTE_IRR]);
    guest.partition.write32(IO_APIC + 0x40n, 0x44);
    expect(remoteIrr()).toBe(0);
  });

  test("x2APIC takes SVR bit 12 and refuses the focus bit", () => {
    guest.partition.writeMsr(APIC_BASE, EXTENDED);
    expect(status(() => guest.partition.writeMsr(0x80f, 0x11ffn))).toBe(AccessStatus.Done);
    expect(status(() => guest.partition.writeMsr(0x80f, 0x3ffn))).toBe(AccessStatus.GeneralProtection);
  });

  test("without an interrupt in service it does nothing", () => {
    guest.sendSelf(0x31);
    guest.write(Apic.Eoi, 0);
    expect([guest.partition.pendingVector(), guest.bit(Apic.Irr, 0x31)]).toEqual([0x31, 1]);
  });

  test("a level interrupt that a software-disabled APIC refused comes when it is enabled", () => {
    guest.write(Apic.Svr, 0xff);
    raise();
    expect([guest.partition.pendingVector(), remoteIrr()]).toEqual([0, 0]);
    guest.write(Apic.Svr, 0x1ff);
    expect([guest.partition.pendingVector(), remoteIrr()]).toEqual([0x44, REMOTE_IRR]);
  });

  test("an edge on a vector that was level clears TMR, and its EOI is no broadcast", () => {
    raise();
    guest.partition.monitor.acknowledge(0);
    expect(guest.bit(Apic.Tmr, 0x44)).toBe(1);
    guest.partition.out8(0x3f9, 0);
    guest.write(Apic.Eoi, 0);
    guest.sendSelf(0x44);
    expect([guest.bit(Apic.Tmr, 0x44), guest.read(Apic.Tmr + 0x20)]).toEqual([0, 0]);
  });
});
