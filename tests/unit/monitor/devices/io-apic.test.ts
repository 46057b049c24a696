import { beforeEach, describe, expect, test } from "vitest";
import { AccessStatus, Device, GSI_UART } from "../../../../monitor/interface.ts";
import { ALL_DEVICES, type SimulatedPartition, startPartition } from "../harness.ts";

const IO_APIC = 0xfec0_0000n;
const APIC = 0xfee0_0000n;
const LEVEL = 1 << 15;
const MASKED = 1 << 16;
const REMOTE_IRR = 1 << 14;

let partition: SimulatedPartition;
const select = (index: number) => partition.write32(IO_APIC, index);
const read = (index: number) => {
  select(index);
  return partition.read32(IO_APIC + 0x10n);
};
const write = (index: number, value: number) => {
  select(index);
  partition.write32(IO_APIC + 0x10n, value);
};
const endOfInterrupt = (vcpu = 0) => partition.write32(APIC + 0xb0n, 0, vcpu);
const entry = 0x10 + GSI_UART * 2;

/** The UART's line is high while ETBEI is set and IIR has not been read. */
const raise = () => {
  partition.out8(0x3fc, 0x08);
  partition.out8(0x3f9, 0x02);
};
const release = () => partition.out8(0x3f9, 0);

beforeEach(async () => {
  partition = await startPartition({ vcpus: 2 });
  for (const vcpu of [0, 1]) partition.write32(APIC + 0xf0n, 0x1ff, vcpu);
});

describe("registers", () => {
  test("identifier, version with 24 entries, masked entries", () => {
    expect(read(1)).toBe(0x0017_0020);
    write(0, 0xffff_ffff);
    expect(read(0)).toBe(0x0f00_0000);
    expect([read(0x10), read(0x3e), read(0x3f)]).toEqual([MASKED, MASKED, 0]);
    expect(read(0x40)).toBe(0);
    expect(partition.read32(IO_APIC)).toBe(0x40);
  });

  test("entries keep what can be written", () => {
    write(0x12, 0xffff_ffff);
    write(0x13, 0xffff_ffff);
    expect([read(0x12), read(0x13)]).toEqual([0x1_ffff & ~0x5000, 0xff00_0000]);
  });

  test("without the device the page is open bus", async () => {
    partition = await startPartition({ devices: ALL_DEVICES & ~Device.IoApic });
    expect([partition.read32(IO_APIC), partition.status]).toEqual([0xffff_ffff, AccessStatus.OpenBus]);
  });
});

describe("edge", () => {
  test("each rising edge interrupts once", () => {
    write(entry, 0x44);
    raise();
    expect(partition.monitor.acknowledge(0)).toBe(0x44);
    endOfInterrupt();
    expect(partition.pendingVector()).toBe(0);
    release();
    raise();
    expect(partition.pendingVector()).toBe(0x44);
  });

  test("an edge on a masked pin is lost", () => {
    write(entry, MASKED | 0x44);
    raise();
    write(entry, 0x44);
    expect(partition.pendingVector()).toBe(0);
  });

  test("goes to the vCPU that the entry names", () => {
    write(entry + 1, 1 << 24);
    write(entry, 0x44);
    raise();
    expect([partition.pendingVector(0), partition.pendingVector(1)]).toEqual([0, 0x44]);
  });

  test("logical destination", () => {
    partition.write32(APIC + 0xd0n, 0x0200_0000, 1);
    write(entry + 1, 2 << 24);
    write(entry, (1 << 11) | 0x44);
    raise();
    expect([partition.pendingVector(0), partition.pendingVector(1)]).toEqual([0, 0x44]);
  });

  test("NMI delivery", () => {
    write(entry, 4 << 8);
    raise();
    expect([partition.pendingNmi(), partition.pendingVector()]).toEqual([1, 0]);
  });
});

describe("level", () => {
  beforeEach(() => {
    write(entry, LEVEL | 0x44);
    raise();
  });

  test("sets remote IRR and TMR, and interrupts again after EOI while the line is high", () => {
    expect(read(entry) & REMOTE_IRR).toBe(REMOTE_IRR);
    expect(partition.read32(APIC + 0x1a0n)).toBe(1 << 4);
    expect(partition.monitor.acknowledge(0)).toBe(0x44);
    expect(partition.pendingVector()).toBe(0);
    endOfInterrupt();
    expect([partition.pendingVector(), read(entry) & REMOTE_IRR]).toEqual([0x44, REMOTE_IRR]);
  });

  test("EOI after the line fell ends it", () => {
    partition.monitor.acknowledge(0);
    release();
    endOfInterrupt();
    expect([partition.pendingVector(), read(entry) & REMOTE_IRR]).toEqual([0, 0]);
  });

  test("the EOI register ends it too", () => {
    partition.monitor.acknowledge(0);
    release();
    partition.write32(IO_APIC + 0x40n, 0x44);
    expect(read(entry) & REMOTE_IRR).toBe(0);
  });

  test("unmasking while the line is high interrupts", () => {
    partition.monitor.acknowledge(0);
    write(entry, LEVEL | MASKED | 0x44);
    endOfInterrupt();
    expect(partition.pendingVector()).toBe(0);
    write(entry, LEVEL | 0x44);
    expect(partition.pendingVector()).toBe(0x44);
  });

  test("switching to edge clears remote IRR", () => {
    write(entry, 0x44);
    expect(read(entry) & REMOTE_IRR).toBe(0);
  });
});
