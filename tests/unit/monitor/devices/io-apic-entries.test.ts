// Redirection entries that are reconfigured, coalesced, masked or nobody's (82093AA data sheet 3.2.4), and platform devices that are not there.

import { beforeEach, describe, expect, test } from "vitest";
import { AccessStatus, VcpuStart } from "../../../../monitor/interface.ts";
import { type SimulatedPartition, startPartition } from "../harness.ts";

const IO_APIC = 0xfec0_0000n;
const APIC = 0xfee0_0000n;
const LEVEL = 1 << 15;
const MASKED = 1 << 16;
const REMOTE_IRR = 1 << 14;
const UART = 0x10 + 4 * 2;
const CLOCK = 0x10 + 8 * 2;

let partition: SimulatedPartition;
const read = (index: number) => {
  partition.write32(IO_APIC, index);
  return partition.read32(IO_APIC + 0x10n);
};
const write = (index: number, value: number) => {
  partition.write32(IO_APIC, index);
  partition.write32(IO_APIC + 0x10n, value);
};
const endOfInterrupt = (vcpu = 0) => partition.write32(APIC + 0xb0n, 0, vcpu);
const acknowledge = (vcpu = 0) => partition.monitor.acknowledge(vcpu);
const remoteIrr = (entry: number) => (read(entry) & REMOTE_IRR) !== 0;
const raise = () => {
  partition.out8(0x3fc, 0x08);
  partition.out8(0x3f9, 0x02);
};
const release = () => partition.out8(0x3f9, 0);
/** IRQ 8 by an update-ended interrupt; register C is not read, so that the line stays high. */
const raiseClock = () => {
  for (const [index, value] of [[0x0a, 0x20], [0x0b, 0x12]] as const) {
    partition.out8(0x70, index);
    partition.out8(0x71, value);
  }
  partition.advance(partition.tscFrequency);
};

beforeEach(async () => {
  partition = await startPartition({ vcpus: 3 });
  for (const vcpu of [0, 1, 2]) partition.write32(APIC + 0xf0n, 0x1ff, vcpu);
});

describe("identification", () => {
  test("version and arbitration are read-only; arbitration follows the identifier", () => {
    write(1, 0xffff_ffff);
    expect(read(1)).toBe(0x0017_0020);
    write(0, 0x0d00_0000);
    expect(read(2)).toBe(0x0d00_0000);
    write(2, 0x0100_0000);
    expect([read(2), read(0)]).toEqual([0x0d00_0000, 0x0d00_0000]);
  });
});

describe("level", () => {
  test("a line that falls and rises before the EOI is one interrupt more, not two", () => {
    write(UART, LEVEL | 0x44);
    raise();
    for (let time = 0; time < 3; time++) {
      release();
      raise();
    }
    expect(acknowledge()).toBe(0x44);
    endOfInterrupt();
    expect(acknowledge()).toBe(0x44);
    release();
    endOfInterrupt();
    expect(partition.pendingVector()).toBe(0);
  });

  test("a masked level that has gone leaves nothing", () => {
    write(UART, MASKED | LEVEL | 0x44);
    raise();
    release();
    write(UART, LEVEL | 0x44);
    expect([partition.pendingVector(), remoteIrr(UART)]).toEqual([0, false]);
  });

  test("masked in service: EOI ends it, unmasking brings what still waits", () => {
    write(UART, LEVEL | 0x44);
    raise();
    acknowledge();
    write(UART, MASKED | LEVEL | 0x44);
    expect(remoteIrr(UART)).toBe(true);
    endOfInterrupt();
    expect([remoteIrr(UART), partition.pendingVector()]).toEqual([false, 0]);
    write(UART, LEVEL | 0x44);
    expect(partition.pendingVector()).toBe(0x44);
  });

  test("edge and back to level in the handler: no second interrupt of a line that fell", () => {
    write(UART, LEVEL | 0x44);
    raise();
    acknowledge();
    release();
    write(UART, 0x44);
    write(UART, LEVEL | 0x44);
    endOfInterrupt();
    expect([partition.pendingVector(), remoteIrr(UART)]).toEqual([0, false]);
  });

  test("remote IRR cannot be written", () => {
    write(UART, LEVEL | REMOTE_IRR | 0x44);
    expect(remoteIrr(UART)).toBe(false);
    raise();
    write(UART, LEVEL | 0x44);
    expect(remoteIrr(UART)).toBe(true);
  });

  test("the EOI of another vector leaves it", () => {
    write(UART, LEVEL | 0x44);
    raise();
    partition.write32(IO_APIC + 0x40n, 0x45);
    expect(remoteIrr(UART)).toBe(true);
  });

  test("two pins with one vector end together, and each that is high comes again", () => {
    write(UART, LEVEL | 0x44);
    write(CLOCK, LEVEL | 0x44);
    raise();
    raiseClock();
    expect([remoteIrr(UART), remoteIrr(CLOCK)]).toEqual([true, true]);
    release();
    acknowledge();
    endOfInterrupt();
    expect([remoteIrr(UART), remoteIrr(CLOCK), partition.pendingVector()]).toEqual([false, true, 0x44]);
  });

  test("a destination that is nobody's holds no remote IRR; a new one gets it", () => {
    write(UART + 1, 7 << 24);
    write(UART, LEVEL | 0x44);
    raise();
    expect([partition.pendingVector(), remoteIrr(UART)]).toEqual([0, false]);
    write(UART + 1, 2 << 24);
    write(UART, LEVEL | 0x44);
    expect([partition.pendingVector(2), remoteIrr(UART)]).toEqual([0x44, true]);
  });

  test("delivery status is pending while nobody accepts it, and only then", () => {
    const isPending = () => (read(UART) & (1 << 12)) !== 0;
    partition.write32(APIC + 0xf0n, 0xff); // software-disabled
    write(UART, LEVEL | 0x44);
    expect(isPending()).toBe(false);
    raise();
    expect(isPending()).toBe(true);
    write(UART, MASKED | LEVEL | 0x44);
    expect(isPending()).toBe(false);
    write(UART, LEVEL | 0x44);
    partition.write32(APIC + 0xf0n, 0x1ff);
    expect([isPending(), remoteIrr(UART), acknowledge()]).toEqual([false, true, 0x44]);
    release();
    endOfInterrupt();
    expect([isPending(), remoteIrr(UART)]).toEqual([false, false]);
  });

  test("lowest priority goes to one, whose EOI ends it", () => {
    for (const vcpu of [0, 1, 2]) partition.write32(APIC + 0xd0n, 1 << (24 + vcpu), vcpu);
    partition.write32(APIC + 0x80n, 0x20, 0);
    write(UART + 1, 7 << 24);
    write(UART, LEVEL | (1 << 11) | (1 << 8) | 0x44);
    raise();
    expect([0, 1, 2].map((vcpu) => partition.pendingVector(vcpu))).toEqual([0, 0x44, 0]);
    expect(acknowledge(1)).toBe(0x44);
    release();
    endOfInterrupt(1);
    expect(remoteIrr(UART)).toBe(false);
  });
});

describe("edge", () => {
  test("an edge while masked is lost, the next one is not", () => {
    write(UART, MASKED | 0x44);
    raise();
    write(UART, 0x44);
    expect(partition.pendingVector()).toBe(0);
    release();
    raise();
    expect(partition.pendingVector()).toBe(0x44);
  });

  test("edges before the acknowledge are one interrupt, one during the service is another", () => {
    write(UART, 0x44);
    for (let time = 0; time < 2; time++) {
      raise();
      release();
    }
    expect(acknowledge()).toBe(0x44);
    raise();
    endOfInterrupt();
    expect(acknowledge()).toBe(0x44);
    endOfInterrupt();
    expect(partition.pendingVector()).toBe(0);
  });

  test("two pins at once: the higher vector first", () => {
    write(UART, 0x44);
    write(CLOCK, 0x81);
    raise();
    raiseClock();
    expect(acknowledge()).toBe(0x81);
    endOfInterrupt();
    expect(acknowledge()).toBe(0x44);
  });

  test("broadcast reaches all", () => {
    write(UART + 1, 0xff << 24);
    write(UART, 0x44);
    raise();
    expect([0, 1, 2].map((vcpu) => partition.pendingVector(vcpu))).toEqual([0x44, 0x44, 0x44]);
  });

  test.each([["NMI", 4], ["INIT", 5]])("%s is an edge even if the entry says level", (_name, mode) => {
    write(UART + 1, 1 << 24);
    write(UART, LEVEL | (mode << 8));
    raise();
    const seen = () => (mode === 4 ? partition.pendingNmi(1) : Number(partition.startRequest(1).start === VcpuStart.Init));
    expect([seen(), remoteIrr(UART)]).toEqual([1, false]);
    partition.monitor.acknowledgeNmi(1);
    write(UART, LEVEL | (4 << 8));
    expect(partition.pendingNmi(1)).toBe(0);
  });

  test("polarity is kept and does not turn a line around", () => {
    write(UART, (1 << 13) | 0x44);
    expect([read(UART), partition.pendingVector()]).toEqual([(1 << 13) | 0x44, 0]);
    raise();
    expect(partition.pendingVector()).toBe(0x44);
  });
});

test.each([["HPET", 0xfed0_0000n], ["TPM", 0xfed4_0000n], ["beyond the APIC page", 0xfee0_1000n]])("%s: open bus", (_what, page) => {
  expect([partition.read32(page), partition.status]).toEqual([0xffff_ffff, AccessStatus.OpenBus]);
  partition.write32(page + 0x10n, 1);
  expect(partition.status).toBe(AccessStatus.OpenBus);
});
