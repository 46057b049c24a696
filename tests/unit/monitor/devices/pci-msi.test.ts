import { beforeEach, describe, expect, test } from "vitest";
import { AccessStatus } from "../../../../monitor/interface.ts";
import type { SimulatedPartition } from "../harness.ts";
import { CAPABILITY, capability, configRead, configWrite, TABLE_BAR } from "./pci-functions.ts";
import { ALL_ONES, MESSAGE_ADDRESS, type MsixFunction, startMsix } from "./pci-msix-function.ts";

const ONES = 0xffff_ffff;

let partition: SimulatedPartition;
let device: MsixFunction;

describe("MSI", () => {
  let msi: number;
  const setEnable = (isEnabled: boolean) => configWrite(partition, 3, msi, isEnabled ? 1 << 16 : 0);
  const setMsiMask = (value: number) => configWrite(partition, 3, msi + 0x10, value);
  const isPending = () => configRead(partition, 3, msi + 0x14);
  beforeEach(async () => {
    device = await startMsix([{ msi: true, bars: { 0: TABLE_BAR } }]);
    partition = device.partition;
    msi = capability(partition, 3, CAPABILITY.msi);
    configWrite(partition, 3, msi + 4, MESSAGE_ADDRESS | (1 << 12));
    configWrite(partition, 3, msi + 12, 0x61);
  });

  test("is one message with a 64-bit address and a mask; other bits are read-only", () => {
    expect(configRead(partition, 3, msi) >>> 16).toBe(0x0180);
    for (let offset = 0; offset < 0x18; offset += 4) configWrite(partition, 3, msi + offset, ONES);
    const registers = [0, 4, 8, 12, 16, 20].map((offset) => configRead(partition, 3, msi + offset));
    expect([(registers[0] ?? 0) >>> 16, ...registers.slice(1)]).toEqual([0x0181, 0xffff_fffc, ONES, 0xffff, 1, 0]);
  });

  test("interrupts when enabled, message 0 only", () => {
    device.message(0);
    setEnable(true);
    for (const [entry, index] of [[1, 0], [ONES, 0], [0, 1], [0, 16]] as const) device.message(entry, index);
    expect(device.vectors()).toEqual([0, 0]);
    device.message(0);
    expect([device.vectors(), isPending()]).toEqual([[0, 0x61], 0]);
  });

  test("masked, it is pending until it is unmasked", () => {
    setEnable(true);
    setMsiMask(1);
    device.message(0);
    expect([device.vectors(), isPending()]).toEqual([[0, 0], 1]);
    configWrite(partition, 3, msi + 12, 0x62);
    expect([device.vectors(), isPending()]).toEqual([[0, 0], 1]);
    setMsiMask(0);
    expect([device.vectors(), isPending()]).toEqual([[0, 0x62], 0]);
    partition.monitor.acknowledge(1);
    setMsiMask(0);
    expect(device.vectors()).toEqual([0, 0]);
  });

  test("switching it off forgets what is pending", () => {
    setEnable(true);
    setMsiMask(1);
    device.message(0);
    setEnable(false);
    setMsiMask(0);
    setEnable(true);
    expect([device.vectors(), isPending()]).toEqual([[0, 0], 0]);
  });

  test("an upper address leads to no local APIC", () => {
    configWrite(partition, 3, msi + 8, 1);
    setEnable(true);
    device.message(0);
    expect(device.vectors()).toEqual([0, 0]);
  });

  test("has no table in memory", () => {
    expect([device.read64(0n - 8n), device.read64(0xc000_0000n), partition.status]).toEqual([ALL_ONES, ALL_ONES, AccessStatus.OpenBus]);
  });
});
