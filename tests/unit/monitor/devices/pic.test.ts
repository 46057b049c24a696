import { beforeEach, describe, expect, test } from "vitest";
import { AccessStatus, Device } from "../../../../monitor/interface.ts";
import { ALL_DEVICES, type SimulatedPartition, startPartition } from "../harness.ts";

const APIC = 0xfee0_0000n;
let partition: SimulatedPartition;

/** ICW1-4 as Linux and every BIOS write them, then the masks. */
function initialise(masterMask: number, slaveMask: number, icw4 = 1): void {
  for (const [port, value] of [[0x20, 0x11], [0x21, 0x30], [0x21, 4], [0x21, icw4], [0xa0, 0x11], [0xa1, 0x38], [0xa1, 2], [0xa1, icw4]] as const) partition.out8(port, value);
  partition.out8(0x21, masterMask);
  partition.out8(0xa1, slaveMask);
}
const raiseUart = () => {
  partition.out8(0x3fc, 0x08);
  partition.out8(0x3f9, 0x02);
};
const releaseUart = () => partition.out8(0x3f9, 0);
/** IRQ 0: mode 0 leaves OUT high at its end, and a new control word takes it low. */
const raiseTimer = () => {
  partition.out8(0x43, 0x10);
  partition.out8(0x40, 2);
  partition.advance(partition.ticks(10));
};
/** IRQ 8 by the update-ended interrupt. */
const raiseClock = () => {
  partition.out8(0x70, 0x0b);
  partition.out8(0x71, 0x12);
  partition.advance(partition.tscFrequency);
};
const readInService = (port: number) => {
  partition.out8(port, 0x0b);
  return partition.in8(port);
};
const readRequests = (port: number) => {
  partition.out8(port, 0x0a);
  return partition.in8(port);
};

beforeEach(async () => {
  partition = await startPartition();
});

test("starts as firmware leaves it, on the vectors of the PC BIOS, and answers Linux's probe of the mask", () => {
  expect([partition.in8(0x21), partition.in8(0xa1)]).toEqual([0xfb, 0xf7]);
  partition.out8(0x21, 0xef);
  raiseUart();
  expect(partition.pendingVector()).toBe(0x0c);
  partition.out8(0x21, 0xfb);
  expect(partition.in8(0x21)).toBe(0xfb);
});

test("without the device its ports are open bus", async () => {
  partition = await startPartition({ devices: ALL_DEVICES & ~Device.Pic });
  partition.out8(0x21, 0xfb);
  expect([partition.in8(0x21), partition.status]).toEqual([0xff, AccessStatus.OpenBus]);
});

describe("requests", () => {
  test("a line of the master by virtual wire", () => {
    initialise(0, 0);
    raiseUart();
    expect(partition.pendingVector()).toBe(0x34);
    expect(partition.monitor.acknowledge(0)).toBe(0x34);
    expect([partition.pendingVector(), readInService(0x20), readRequests(0x20)]).toEqual([0, 0x10, 0]);
    partition.out8(0x20, 0x20);
    expect([partition.pendingVector(), readInService(0x20)]).toEqual([0, 0]);
  });

  test("a line of the slave by the cascade", () => {
    initialise(0, 0);
    raiseClock();
    expect(partition.monitor.acknowledge(0)).toBe(0x38);
    expect([readInService(0x20), readInService(0xa0)]).toEqual([4, 1]);
    partition.out8(0xa0, 0x60);
    partition.out8(0x20, 0x62);
    expect([readInService(0x20), readInService(0xa0)]).toEqual([0, 0]);
  });

  test("lower numbers go first and nest", () => {
    initialise(0, 0);
    raiseUart();
    expect(partition.monitor.acknowledge(0)).toBe(0x34);
    raiseTimer();
    expect(partition.monitor.acknowledge(0)).toBe(0x30);
    raiseClock();
    expect(partition.pendingVector()).toBe(0);
    partition.out8(0x20, 0x20); // ends 0
    expect(partition.monitor.acknowledge(0)).toBe(0x38);
    expect(readInService(0x20)).toBe(0x14);
  });

  test("a masked request waits", () => {
    initialise(0x10, 0);
    raiseUart();
    expect([partition.pendingVector(), readRequests(0x20)]).toEqual([0, 0x10]);
    partition.out8(0x21, 0);
    expect(partition.pendingVector()).toBe(0x34);
  });

  test("AEOI leaves nothing in service", () => {
    initialise(0, 0, 3);
    raiseUart();
    expect([partition.monitor.acknowledge(0), readInService(0x20), partition.pendingVector()]).toEqual([0x34, 0, 0]);
  });

  test("ELCR makes a line a level: its request goes with the line and comes back after EOI", () => {
    partition.out8(0x4d0, 0xff);
    partition.out8(0x4d1, 0xff);
    expect([partition.in8(0x4d0), partition.in8(0x4d1)]).toEqual([0xf8, 0xde]);
    initialise(0, 0);
    raiseUart();
    expect(partition.monitor.acknowledge(0)).toBe(0x34);
    partition.out8(0x20, 0x64);
    expect(partition.pendingVector()).toBe(0x34);
    releaseUart();
    expect(partition.pendingVector()).toBe(0);
  });

  test("rotation makes the ended request the last", () => {
    initialise(0, 0);
    raiseTimer();
    partition.monitor.acknowledge(0);
    partition.out8(0x20, 0xa0); // rotate on non-specific EOI: 1 is first now, 0 last
    raiseTimer();
    raiseUart();
    expect(partition.monitor.acknowledge(0)).toBe(0x34);
  });

  test("special mask mode lets lower requests through a masked one in service", () => {
    initialise(0, 0);
    raiseTimer();
    partition.monitor.acknowledge(0);
    raiseUart();
    expect(partition.pendingVector()).toBe(0);
    partition.out8(0x21, 1);
    partition.out8(0x20, 0x68);
    expect(partition.pendingVector()).toBe(0x34);
  });

  test("a poll acknowledges", () => {
    initialise(0, 0);
    raiseUart();
    partition.out8(0x20, 0x0c);
    expect([partition.in8(0x20), partition.pendingVector(), readInService(0x20)]).toEqual([0x84, 0, 0x10]);
  });

  test("16-bit accesses reach both ports of a pair", () => {
    partition.out16(0x4d0, 0x0420);
    expect(partition.monitor.portRead(0, 0x4d0, 2)).toBe(0x0420);
  });
});

describe("LINT0", () => {
  beforeEach(() => {
    initialise(0, 0);
    raiseUart();
  });

  test("masked, the PIC is not heard", () => {
    partition.write32(APIC + 0x350n, 0x1_0700);
    expect([partition.pendingVector(), partition.monitor.acknowledge(0)]).toEqual([0, 0]);
    partition.write32(APIC + 0x350n, 0x700);
    expect(partition.pendingVector()).toBe(0x34);
  });

  test("the PIC is the INTR pin of a globally disabled APIC", () => {
    partition.write32(APIC + 0x350n, 0x1_0700);
    partition.writeMsr(0x1b, 0xfee0_0000n);
    expect(partition.pendingVector()).toBe(0x34);
  });

  test("TPR does not hold it back and it goes before the APIC's own", () => {
    partition.write32(APIC + 0x300n, (1 << 18) | 0xf1);
    partition.write32(APIC + 0x80n, 0xff);
    expect(partition.monitor.acknowledge(0)).toBe(0x34);
    partition.write32(APIC + 0x80n, 0);
    expect(partition.monitor.acknowledge(0)).toBe(0xf1);
  });
});
