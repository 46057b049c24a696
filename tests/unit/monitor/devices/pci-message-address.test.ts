import { beforeEach, describe, expect, test } from "vitest";
import { Device } from "../../../../monitor/interface.ts";
import { ALL_DEVICES, type SimulatedPartition } from "../harness.ts";
import { MSIX, TABLE_BAR } from "./pci-functions.ts";
import { ENABLE, MESSAGE_ADDRESS, type MsixFunction, startMsix } from "./pci-msix-function.ts";

const APIC = 0xfee0_0000n;

let partition: SimulatedPartition;
let device: MsixFunction;

beforeEach(async () => {
  device = await startMsix([{ bars: { 0: TABLE_BAR }, msix: MSIX }]);
  partition = device.partition;
});

describe("where a message goes", () => {
  const send = (address: number, data: number, upperAddress = 0) => {
    device.program(0, data, address, upperAddress);
    device.setMask(0, false);
    device.message(0);
  };
  beforeEach(() => {
    device.setControl(ENABLE);
    partition.write32(APIC + 0xd0n, 0x0100_0000, 0);
    partition.write32(APIC + 0xd0n, 0x0200_0000, 1);
  });

  test("physical destination, also with the redirection hint", () => {
    send(MESSAGE_ADDRESS | (1 << 12), 0x41);
    expect(device.vectors()).toEqual([0, 0x41]);
    send(MESSAGE_ADDRESS | (0 << 12) | (1 << 3), 0x45);
    expect(device.vectors()).toEqual([0x45, 0x41]);
    send(MESSAGE_ADDRESS | (7 << 12), 0x99);
    expect(device.vectors()).toEqual([0x45, 0x41]);
  });

  test("broadcast", () => {
    send(MESSAGE_ADDRESS | (0xff << 12), 0x41);
    expect(device.vectors()).toEqual([0x41, 0x41]);
  });

  test("logical destination, one and both", () => {
    send(MESSAGE_ADDRESS | (2 << 12) | (1 << 2), 0x41);
    expect(device.vectors()).toEqual([0, 0x41]);
    send(MESSAGE_ADDRESS | (3 << 12) | (1 << 2), 0x55);
    expect(device.vectors()).toEqual([0x55, 0x55]);
  });

  test("lowest priority, by delivery mode and by redirection hint", () => {
    partition.monitor.taskPriorityWrite(0, 2);
    send(MESSAGE_ADDRESS | (3 << 12) | (1 << 2), 0x100 | 0x41);
    expect(device.vectors()).toEqual([0, 0x41]);
    send(MESSAGE_ADDRESS | (3 << 12) | (3 << 2), 0x51);
    expect(device.vectors()).toEqual([0, 0x51]);
  });

  test("NMI", () => {
    send(MESSAGE_ADDRESS | (1 << 12), 4 << 8);
    expect([partition.pendingNmi(0), partition.pendingNmi(1), device.vectors()]).toEqual([0, 1, [0, 0]]);
  });

  test("level-triggered: asserted sets TMR, de-asserted does nothing", () => {
    send(MESSAGE_ADDRESS, (1 << 15) | 0x41);
    expect(device.vectors()).toEqual([0, 0]);
    send(MESSAGE_ADDRESS, (3 << 14) | 0x41);
    expect([device.vectors(), partition.read32(APIC + 0x1a0n)]).toEqual([[0x41, 0], 1 << 1]);
  });

  test("SMI, INIT, start-up, ExtINT and reserved delivery modes are dropped", () => {
    for (const mode of [2, 3, 5, 6, 7]) {
      send(MESSAGE_ADDRESS | (0xff << 12), (mode << 8) | 0x41);
      expect([mode, device.vectors(), partition.pendingNmi(1), partition.startRequest(1)]).toEqual([mode, [0, 0], 0, { start: 0, vector: 0 }]);
    }
  });

  test("an address that is no local APIC's, or above 4 GiB, interrupts nobody", () => {
    send(0x0010_0000, 0x41);
    send(0xfed0_0000, 0x41);
    send(0xfef0_0000, 0x41);
    send(MESSAGE_ADDRESS, 0x41, 1);
    expect(device.vectors()).toEqual([0, 0]);
    expect(partition.lowMemory.readUInt32LE(0x10_0000)).toBe(0);
  });

  test("an illegal vector is an error of the local APIC, as on hardware", () => {
    send(MESSAGE_ADDRESS, 0x0f);
    partition.write32(APIC + 0x280n, 0);
    expect([device.vectors(), partition.read32(APIC + 0x280n)]).toEqual([[0, 0], 1 << 6]);
  });

  test("without local APICs nothing arrives", async () => {
    device = await startMsix([{ bars: { 0: TABLE_BAR }, msix: MSIX }], ALL_DEVICES & ~Device.LocalApic);
    partition = device.partition;
    device.setControl(ENABLE);
    send(MESSAGE_ADDRESS, 4 << 8);
    expect([partition.pendingNmi(0), device.vectors()]).toEqual([0, [0, 0]]);
  });
});
