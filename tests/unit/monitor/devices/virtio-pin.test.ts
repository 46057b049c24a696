// The virtual disk's interrupt pin, for a driver without MSI-X (virtio 1.2 4.1.4.5, 4.1.5.3; PCI 3.0 6.2.2, 6.2.3).

import { beforeEach, describe, expect, test } from "vitest";
import { GSI_DISK } from "../../../../monitor/interface.ts";
import { startPartition } from "../harness.ts";
import { COMMAND } from "./pci-functions.ts";
import { AVAILABLE, type DiskDriver, REQUEST, RESULT, SECTOR, startWithDisk, VECTOR } from "./virtio-driver.ts";

const IO_APIC = 0xfec0_0000n;
const APIC = 0xfee0_0000n;
const ENTRY = 0x10 + 2 * GSI_DISK;
const LEVEL = 1 << 15;
const PIN_VECTOR = 0x5a;
const INTERRUPT_DISABLE = 1 << 10;
const INTERRUPT_STATUS = 1 << 19;
const ISR = 3;
const MSIX = 0x11;
const MSIX_ENABLE = 0x8000_0000;

let disk: DiskDriver;
const read = () => disk.request(REQUEST.in, 0, { length: SECTOR });
const isr = () => disk.read(ISR, 0, 1);
const hasStatus = () => (disk.config(COMMAND) & INTERRUPT_STATUS) !== 0;
const command = (bits: number) => disk.configWrite(COMMAND, 6 | bits);
const setMsiX = (value: number) => disk.configWrite(disk.capabilities(MSIX)[0]!, value);
const acknowledge = () => disk.partition.monitor.acknowledge(0);
const endOfInterrupt = () => disk.partition.write32(APIC + 0xb0n, 0);

beforeEach(async () => {
  disk = await startWithDisk();
  disk.initialise();
  setMsiX(0);
  disk.partition.write32(IO_APIC, ENTRY);
  disk.partition.write32(IO_APIC + 0x10n, LEVEL | PIN_VECTOR);
});

test("the header names pin A and its request, which the driver's firmware may change", () => {
  expect(disk.config(0x3c)).toBe(0x100 | GSI_DISK);
  disk.configWrite(0x3c, 0xffff_ffff);
  expect(disk.config(0x3c)).toBe(0x1ff);
});

describe("without MSI-X", () => {
  test("an answer asserts the pin until the ISR status is read", () => {
    expect(read()).toBe(RESULT.ok);
    expect([acknowledge(), hasStatus()]).toEqual([PIN_VECTOR, true]);
    endOfInterrupt();
    expect(acknowledge(), "still asserted").toBe(PIN_VECTOR);
    expect([isr(), hasStatus()]).toEqual([1, false]);
    endOfInterrupt();
    expect(disk.partition.pendingVector()).toBe(0);
    read();
    expect(acknowledge(), "of the next answer").toBe(PIN_VECTOR);
  });

  test("a driver that asks for none gets none", () => {
    disk.memory.writeUInt16LE(1, AVAILABLE);
    read();
    expect([disk.partition.pendingVector(), hasStatus(), isr()]).toEqual([0, false, 0]);
  });

  test("a configuration change asserts it too", () => {
    disk.offer(200);
    disk.notify();
    expect([disk.needsReset, acknowledge(), isr()]).toEqual([true, PIN_VECTOR, 2]);
  });

  test("Interrupt Disable holds the pin back, but not Interrupt Status", () => {
    command(INTERRUPT_DISABLE);
    read();
    expect([disk.partition.pendingVector(), hasStatus()]).toEqual([0, true]);
    command(0);
    expect(acknowledge()).toBe(PIN_VECTOR);
    command(INTERRUPT_DISABLE);
    endOfInterrupt();
    expect([disk.partition.pendingVector(), hasStatus(), isr()]).toEqual([0, true, 1]);
  });

  test("the guest cannot write Interrupt Status", () => {
    disk.configWrite(COMMAND, 0xffff_0006);
    expect([hasStatus(), disk.partition.pendingVector()]).toEqual([false, 0]);
  });

  test("a reset of the device releases it", () => {
    read();
    acknowledge();
    disk.setStatus(0);
    endOfInterrupt();
    expect([disk.partition.pendingVector(), hasStatus(), isr()]).toEqual([0, false, 0]);
  });

  test("through the PIC pair its request is a level from power-up on", async () => {
    disk.partition.write32(IO_APIC, ENTRY);
    disk.partition.write32(IO_APIC + 0x10n, 1 << 16);
    const { partition } = disk;
    for (const [port, value] of [[0x20, 0x11], [0x21, 0x30], [0x21, 4], [0x21, 1], [0xa0, 0x11], [0xa1, 0x38], [0xa1, 2], [0xa1, 1], [0x21, 0xfb], [0xa1, 0xfb]] as const) partition.out8(port, value);
    expect(partition.in8(0x4d1)).toBe(0x06);
    read();
    expect(acknowledge()).toBe(0x30 + GSI_DISK);
    for (const port of [0xa0, 0x20]) partition.out8(port, 0x20);
    expect(acknowledge(), "still asserted").toBe(0x30 + GSI_DISK);
    isr();
    for (const port of [0xa0, 0x20]) partition.out8(port, 0x20);
    expect(partition.pendingVector()).toBe(0);
    expect((await startPartition()).in8(0x4d1), "without a disk").toBe(0x02);
  });
});

describe("with MSI-X", () => {
  test("the pin and the ISR status are not used", () => {
    setMsiX(MSIX_ENABLE);
    read();
    expect([acknowledge(), hasStatus(), isr()]).toEqual([VECTOR.queue, false, 0]);
  });

  test("enabling it releases the pin, disabling it brings back what nobody has read", () => {
    read();
    setMsiX(MSIX_ENABLE);
    expect([acknowledge(), hasStatus()]).toEqual([PIN_VECTOR, false]);
    endOfInterrupt();
    expect(disk.partition.pendingVector()).toBe(0);
    setMsiX(0);
    expect([acknowledge(), isr()]).toEqual([PIN_VECTOR, 1]);
  });
});
