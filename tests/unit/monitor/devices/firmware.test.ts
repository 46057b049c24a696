// What firmware finds of a PC: its ROM, the chipset, open bus, the debug console and CMOS memory.

import { describe, expect, test } from "vitest";
import { AccessStatus, Device, EntryMode, EntryState, HIGH_MEMORY_BASE as HIGH_MEMORY_ADDRESS, ImageKind, LoadStatus, Mailbox, PORT_PM1A_EVENT } from "../../../../monitor/interface.ts";
import { ALL_DEVICES, compileMonitor, SimulatedPartition, startPartition } from "../harness.ts";
import { firmware, MEBIBYTE, rom, ROM_SIZE, status } from "./firmware-guest.ts";

const HIGH_MEMORY_BASE = BigInt(HIGH_MEMORY_ADDRESS);
const SHADOW = 0x20000;

function readConfig(partition: SimulatedPartition, device: number, functionNumber: number, register: number): number {
  partition.monitor.portWrite(0, 0xcf8, 4, 0x8000_0000 + (device << 11) + (functionNumber << 8) + register);
  return partition.monitor.portRead(0, 0xcfc, 4) >>> 0;
}

function writeConfig(partition: SimulatedPartition, device: number, functionNumber: number, register: number, value: number): void {
  partition.monitor.portWrite(0, 0xcf8, 4, 0x8000_0000 + (device << 11) + (functionNumber << 8) + register);
  partition.monitor.portWrite(0, 0xcfc, 4, value);
}

function readCmos(partition: SimulatedPartition, at: number): number {
  partition.monitor.portWrite(0, 0x70, 1, at);
  return partition.monitor.portRead(0, 0x71, 1);
}

describe("the ROM", () => {
  test("starts at the reset vector, with its end copied below 1 MiB", async () => {
    const partition = await firmware();
    expect(partition.peek64(Mailbox.Entry + EntryState.Mode)).toBe(BigInt(EntryMode.Reset));
    expect(partition.lowMemory.subarray(MEBIBYTE - SHADOW, MEBIBYTE)).toEqual(rom().subarray(ROM_SIZE - SHADOW));
    expect(partition.lowMemory.subarray(0, MEBIBYTE - SHADOW).every((byte) => byte === 0)).toBe(true);
  });

  test.each([[0x1_0001], [0x20_0000 * 9], [100]])("of %i bytes is refused", async (size) => {
    const partition = new SimulatedPartition(await compileMonitor(), { imageKind: ImageKind.Firmware, kernel: Buffer.alloc(size), lowMemory: 32 * MEBIBYTE });
    expect(partition.monitor.start()).toBe(LoadStatus.RomMalformed);
  });

  test("takes no writes, which are no violation", async () => {
    const partition = await firmware();
    partition.monitor.memoryWrite(0, HIGH_MEMORY_BASE - 4n, 4, 0x1234n);
    expect(status(partition)).toBe(AccessStatus.Done);
    partition.monitor.memoryWrite(0, HIGH_MEMORY_BASE - BigInt(ROM_SIZE) - 4n, 4, 0x1234n);
    expect(status(partition)).toBe(AccessStatus.OpenBus);
  });
});

describe("the chipset", () => {
  test("is that of QEMU's pc", async () => {
    const partition = await firmware();
    expect(readConfig(partition, 0, 0, 0)).toBe(0x12378086);
    expect(readConfig(partition, 0, 0, 0x2c)).toBe(0x11001af4);
    expect(readConfig(partition, 1, 0, 0)).toBe(0x70008086);
    expect(readConfig(partition, 1, 0, 0x0c)).toBe(0x00800000);
    expect(readConfig(partition, 1, 3, 0)).toBe(0x71138086);
    for (const [device, functionNumber] of [[0, 1], [1, 1], [1, 2], [14, 0], [15, 0]] as const) {
      expect(readConfig(partition, device, functionNumber, 0)).toBe(0xffff_ffff);
    }
  });

  test("has its power management ports where the platform has them, whatever is written", async () => {
    const partition = await firmware();
    writeConfig(partition, 1, 3, 0x40, 0xb001);
    expect(readConfig(partition, 1, 3, 0x40)).toBe(PORT_PM1A_EVENT | 1);
    expect(readConfig(partition, 1, 3, 0x80) & 1).toBe(1);
    expect(readConfig(partition, 1, 3, 0x58)).toBe(1 << 25);
  });

  test("keeps the memory attributes, which the next start forgets", async () => {
    const partition = await firmware();
    writeConfig(partition, 0, 0, 0x58, 0x33333044);
    expect(readConfig(partition, 0, 0, 0x58)).toBe(0x33333000);
    partition.monitor.start();
    expect(readConfig(partition, 0, 0, 0x58)).toBe(0);
  });
});

describe("ports without a device", () => {
  test("are open bus for firmware up to 0x3ff, and violations above and for other images", async () => {
    const partition = await firmware();
    const other = await startPartition({ imageKind: ImageKind.BzImage, kernel: rom() });
    for (const port of [0x1f7, 0x2f8, 0x3c4, 0x3f7, 0x402, 0xaf00]) {
      expect(partition.monitor.portRead(0, port, 1)).toBe(0xff);
      expect(status(partition)).toBe(AccessStatus.Done);
      other.monitor.portRead(0, port, 1);
      expect(status(other)).toBe(AccessStatus.OpenBus);
    }
    partition.monitor.portRead(0, 0x400, 1);
    expect(status(partition)).toBe(AccessStatus.OpenBus);
  });

  test("of a device that is not granted stay violations", async () => {
    const partition = await firmware({ devices: ALL_DEVICES & ~Device.Uart });
    partition.monitor.portRead(0, 0x3f8, 1);
    expect(status(partition)).toBe(AccessStatus.OpenBus);
  });
});

test("the debug console is there if it is granted", async () => {
  const partition = await firmware({ devices: ALL_DEVICES | Device.DebugConsole });
  expect(partition.monitor.portRead(0, 0x402, 1)).toBe(0xe9);
  for (const byte of Buffer.from("hello")) partition.monitor.portWrite(0, 0x402, 1, byte);
  expect(partition.takeOutput()).toBe("hello");
});

test("CMOS memory has the sizes of memory and the number of vCPUs", async () => {
  const partition = await firmware({ vcpus: 2, highMemory: 3 * MEBIBYTE });
  const word = (at: number): number => readCmos(partition, at) | (readCmos(partition, at + 1) << 8);
  expect(word(0x15)).toBe(640);
  expect(word(0x17)).toBe(31 * 1024);
  expect(word(0x30)).toBe(31 * 1024);
  expect(word(0x34)).toBe(16 * 16);
  expect(word(0x5b)).toBe(3 * 16);
  expect(readCmos(partition, 0x5f)).toBe(1);
});
