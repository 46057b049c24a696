import { beforeEach, describe, expect, test } from "vitest";
import { AccessStatus, Mailbox } from "../../../../monitor/interface.ts";
import type { SimulatedPartition } from "../harness.ts";
import { COMMAND, configRead, configWrite, MEMORY_SPACE, MSIX, PENDING, TABLE_BAR } from "./pci-functions.ts";
import { ALL_ONES, ENABLE, entryAt, FUNCTION_MASK, type MsixFunction, startMsix } from "./pci-msix-function.ts";

const APIC = 0xfee0_0000n;
const ONES = 0xffff_ffff;

let partition: SimulatedPartition;
let device: MsixFunction;

beforeEach(async () => {
  device = await startMsix([{ bars: { 0: TABLE_BAR }, msix: MSIX }]);
  partition = device.partition;
});

describe("MSI-X delivery", () => {
  beforeEach(() => {
    device.program(2, 0x42);
    device.setMask(2, false);
  });

  test("an enabled entry interrupts", () => {
    device.setControl(ENABLE);
    device.message(2);
    expect([device.vectors(), device.pendingBits()]).toEqual([[0x42, 0], 0n]);
    expect(partition.monitor.acknowledge(0)).toBe(0x42);
  });

  test("with MSI-X off, another entry, or another function nothing arrives", () => {
    device.message(2);
    device.setControl(ENABLE);
    for (const [entry, index] of [[16, 0], [ONES, 0], [2, 1], [2, 8], [2, 16], [2, ONES]] as const) device.message(entry, index);
    expect([device.vectors(), device.pendingBits()]).toEqual([[0, 0], 0n]);
  });

  test("a masked entry is pending until it is unmasked, then interrupts as it is programmed now", () => {
    device.setControl(ENABLE);
    device.setMask(2, true);
    device.message(2);
    device.message(2);
    expect([device.vectors(), device.pendingBits(), partition.read32(PENDING), partition.read32(PENDING + 4n)]).toEqual([[0, 0], 4n, 4, 0]);
    device.setMask(2, true);
    expect(device.vectors()).toEqual([0, 0]);
    device.program(2, 0x43);
    device.setMask(2, false);
    expect([partition.monitor.acknowledge(0), device.pendingBits(), device.vectors()]).toEqual([0x43, 0n, [0, 0]]);
  });

  test("a 64-bit write of data and mask takes the new data", () => {
    device.setControl(ENABLE);
    device.setMask(2, true);
    device.message(2);
    device.write64(entryAt(2) + 8n, 0x77n);
    expect(device.vectors()).toEqual([0x77, 0]);
  });

  test("the function mask holds every entry back, unmasking sends those without a mask of their own", () => {
    device.program(3, 0x53);
    device.program(4, 0x64);
    device.setMask(4, false);
    device.setControl(ENABLE | FUNCTION_MASK);
    for (const entry of [2, 3, 4]) device.message(entry);
    device.setMask(4, false);
    expect([device.vectors(), device.pendingBits()]).toEqual([[0, 0], 0x1cn]);
    device.setControl(ENABLE);
    expect([device.vectors(), device.pendingBits()]).toEqual([[0x64, 0], 0x8n]);
    expect(partition.read32(APIC + 0x220n) & (1 << 2)).toBe(1 << 2); // IRR of 0x42
    device.setMask(3, false);
    expect([partition.read32(APIC + 0x220n) >>> 0 & (1 << 19), device.pendingBits()]).toEqual([1 << 19, 0n]); // IRR of 0x53
  });

  test("switching MSI-X off forgets what is pending", () => {
    device.setControl(ENABLE | FUNCTION_MASK);
    device.message(2);
    device.setControl(0);
    expect(device.pendingBits()).toBe(0n);
    device.setControl(ENABLE);
    expect(device.vectors()).toEqual([0, 0]);
  });

  test("pending bits are read-only", () => {
    device.setControl(ENABLE | FUNCTION_MASK);
    device.message(2);
    device.write64(PENDING, 0n);
    partition.write32(PENDING, ONES);
    expect([device.pendingBits(), partition.status]).toEqual([4n, AccessStatus.Done]);
  });

  test("start() masks every entry and forgets what is pending", () => {
    device.setControl(ENABLE | FUNCTION_MASK);
    device.message(2);
    partition.monitor.start();
    expect(device.read64(PENDING)).toBe(ALL_ONES);
    configWrite(partition, 3, COMMAND, MEMORY_SPACE);
    expect([configRead(partition, 3, device.control) >>> 16, device.pendingBits(), device.read64(entryAt(2)), device.read64(entryAt(2) + 8n)]).toEqual([15, 0n, 0n, 1n << 32n]);
  });

  test("a message leaves the status of the guest's access alone", () => {
    device.setControl(ENABLE);
    partition.poke32(Mailbox.Status, AccessStatus.GeneralProtection);
    device.message(2);
    expect(partition.status).toBe(AccessStatus.GeneralProtection);
  });
});
