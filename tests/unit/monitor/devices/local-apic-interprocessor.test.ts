// Interprocessor interrupts between the vCPUs of a partition.

import { beforeEach, describe, expect, test } from "vitest";
import { VcpuStart } from "../../../../monitor/interface.ts";
import { type SimulatedPartition } from "../harness.ts";
import { Apic, ApicGuest } from "./local-apic-guest.ts";

let guest: ApicGuest;
let partition: SimulatedPartition;
const read = (register: number, vcpu = 0): number => guest.read(register, vcpu);
const write = (register: number, value: number, vcpu = 0): void => guest.write(register, value, vcpu);
const bit = (map: Apic, vector: number, vcpu = 0): number => guest.bit(map, vector, vcpu);
const sendSelf = (vector: number, vcpu = 0): void => guest.sendSelf(vector, vcpu);

beforeEach(async () => {
  guest = await ApicGuest.start();
  partition = guest.partition;
});

describe("interprocessor interrupts", () => {
  const send = (destination: number, low: number, from = 0) => {
    write(Apic.IcrHigh, destination << 24, from);
    write(Apic.IcrLow, low, from);
  };
  const pending = () => [0, 1, 2, 3].map((vcpu) => partition.pendingVector(vcpu));

  test("physical destination, broadcast and shorthands", () => {
    send(2, 0x51);
    expect(pending()).toEqual([0, 0, 0x51, 0]);
    send(0xff, 0x61);
    expect(pending()).toEqual([0x61, 0x61, 0x61, 0x61]);
    send(0, (2 << 18) | 0x71, 1);
    expect(pending()).toEqual([0x71, 0x71, 0x71, 0x71]);
    send(0, (3 << 18) | 0x81, 1);
    expect(pending()).toEqual([0x81, 0x71, 0x81, 0x81]);
  });

  test("logical destination in the flat and the cluster model", () => {
    const LOGICAL = 1 << 11;
    for (const vcpu of [0, 1, 2, 3]) write(Apic.Ldr, 1 << (24 + vcpu), vcpu);
    send(0b1010, LOGICAL | 0x51);
    expect(pending()).toEqual([0, 0x51, 0, 0x51]);
    for (const vcpu of [0, 1, 2, 3]) {
      write(Apic.Dfr, 0x0fff_ffff, vcpu);
      write(Apic.Ldr, ((vcpu >> 1) << 28) | (1 << (24 + (vcpu & 1))), vcpu);
    }
    send(0x12, LOGICAL | 0x61);
    expect(pending()).toEqual([0, 0x51, 0, 0x61]);
  });

  test("lowest priority takes the vCPU that does the least", () => {
    const LOGICAL_LOWEST = (1 << 11) | (1 << 8);
    for (const vcpu of [0, 1, 2, 3]) write(Apic.Ldr, 1 << (24 + vcpu), vcpu);
    write(Apic.Tpr, 0x30, 0);
    write(Apic.Tpr, 0x20, 1);
    send(0b0011, LOGICAL_LOWEST | 0x91);
    expect(pending()).toEqual([0, 0x91, 0, 0]);
  });

  test("NMI", () => {
    send(3, 4 << 8);
    expect([partition.pendingNmi(3), partition.pendingVector(3)]).toEqual([1, 0]);
    partition.monitor.acknowledgeNmi(3);
    expect(partition.pendingNmi(3)).toBe(0);
  });

  test("INIT resets the target's APIC, its de-assertion does nothing, SIPI names the page", () => {
    send(1, 0xc500);
    expect([partition.startRequest(1), read(Apic.Svr, 1)]).toEqual([{ start: VcpuStart.Init, vector: 0 }, 0xff]);
    send(2, 0x8500);
    expect(partition.startRequest(2).start).toBe(VcpuStart.None);
    send(1, 0x0699);
    expect(partition.startRequest(1)).toEqual({ start: VcpuStart.Init | VcpuStart.Sipi, vector: 0x99 });
    send(1, 0x0642); // the first counts
    expect(partition.startRequest(1)).toEqual({ start: VcpuStart.Init | VcpuStart.Sipi, vector: 0x99 });
    send(2, 0x0642);
    expect(partition.startRequest(2)).toEqual({ start: VcpuStart.Sipi, vector: 0x42 });
    expect(partition.startRequest(0).start).toBe(VcpuStart.None);
  });

  test("vectors below 16 are errors, latched by a write, with the error interrupt", () => {
    write(Apic.LvtError, 0xfe);
    sendSelf(0x0f);
    expect([read(Apic.Esr), partition.pendingVector()]).toEqual([0, 0xfe]);
    write(Apic.Esr, 0);
    expect(read(Apic.Esr)).toBe(0x60); // sent and received
    write(Apic.Esr, 0);
    expect(read(Apic.Esr)).toBe(0);
    write(Apic.LvtError, 0x05); // its own vector is illegal: no interrupt, no endless error
    sendSelf(0x03);
    expect(bit(Apic.Irr, 5)).toBe(0);
  });
});
