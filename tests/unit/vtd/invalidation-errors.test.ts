// Errors of the queue and of the registers, injected: every wait ends, and nothing counts as done that was not.

import { beforeAll, describe, expect, test } from "vitest";
import { Clock } from "../machine/clock.ts";
import { compileRemapping, RemappingMachine } from "../machine/remapping-machine.ts";
import { DESCRIPTOR, extendedCapability, GLOBAL, type RemappingOptions } from "../machine/remapping-unit.ts";
import type { QueueErrorKind } from "../machine/remapping-queue.ts";
import { enumReader } from "../machine/source-enums.ts";

const status = enumReader("kernel/vtd/invalidation-status.ts", "InvalidationStatus");
const QUEUE = {};
const REGISTERS: RemappingOptions = { extended: extendedCapability({ queue: false, interrupts: false }) };
const SCALABLE: RemappingOptions = { extended: extendedCapability({ scalable: true }) };
const DEVICE_TLB: RemappingOptions = { extended: extendedCapability({ deviceTlb: true }) };
const DEVICE = 0x18;
const FSTS = 0x34;

let module: WebAssembly.Module;
beforeAll(async () => {
  module = await compileRemapping();
}, 120_000);

function start(options: RemappingOptions = QUEUE, scalable = false, clock?: Clock): RemappingMachine {
  const machine = new RemappingMachine(module, [options], clock);
  machine.kernel.setScalable(0, scalable ? 1 : 0);
  if (scalable) machine.unit.root = { address: 0n, isScalable: true };
  expect(machine.kernel.startInvalidation(machine.pointer())).toBe(status("Done"));
  return machine;
}

function inject(machine: RemappingMachine, kind: QueueErrorKind, times: number, type?: number): void {
  machine.unit.queue.injected.push({ kind, times, ...(type === undefined ? {} : { type }) });
}

describe.each([["128", QUEUE, false], ["256", SCALABLE, true]])("injected errors, descriptors of %s bits", (_bits, options, scalable) => {
  test.each([["the command", DESCRIPTOR.Tlb], ["its wait", DESCRIPTOR.Wait]])("IQE at %s: named, replaced, done again", (_what, type) => {
    const machine = start(options, scalable);
    expect(machine.kernel.invalidateContexts(machine.pointer())).toBe(status("Done"));
    inject(machine, "refused", 1, type);
    expect(machine.kernel.invalidateTlbDomain(machine.pointer(), 1)).toBe(status("Done"));
    const size = scalable ? 32n : 16n;
    const at = machine.kernel.unitQueue(0) + (type === DESCRIPTOR.Tlb ? 2n : 3n) * size;
    expect(machine.unit.caches.log.slice(1)).toContain("tlb of domain 1");
    expect(machine.unit.read(FSTS, 4)).toBe(0n);
    expect(machine.unit.queue.isOn).toBe(true);
    expect(machine.lines[0]).toBe(type === DESCRIPTOR.Tlb
      ? `vtd unit 0: invalidation queue error at descriptor 0x${at.toString(16).padStart(12, "0")} (reserved field set), recovered`
      : `vtd unit 0: invalidation queue error at descriptor 0x${at.toString(16).padStart(12, "0")} (reserved field set), not recovered`);
    expect(machine.kernel.unitQueueErrors(0)).toBe(1);
    expect(machine.kernel.invalidateTlb(machine.pointer())).toBe(status("Done"));
  });

  test("IQE every time: refused after two attempts, and the queue still works for others", () => {
    const machine = start(options, scalable);
    inject(machine, "refused", 100, DESCRIPTOR.Tlb);
    expect(machine.kernel.invalidateTlb(machine.pointer())).toBe(status("QueueError"));
    expect(machine.unit.caches.log).toEqual([]);
    expect(machine.kernel.invalidateContexts(machine.pointer())).toBe(status("Done"));
    expect(machine.kernel.unitQueueErrors(0)).toBe(2);
  });

  test("one standstill: the queue is restarted and the command done again", () => {
    const machine = start(options, scalable);
    inject(machine, "hang", 1);
    expect(machine.kernel.invalidateTlb(machine.pointer())).toBe(status("Done"));
    expect(machine.unit.caches.log).toEqual(["tlb"]);
    expect(machine.lines).toEqual(["vtd unit 0: invalidation queue stood still, restarted"]);
    expect(machine.unit.queue.isOn).toBe(true);
    expect(machine.unit.protocolErrors).toEqual([]);
  });

  test("standstill for good: switched off; registers in legacy mode, a clear status in scalable mode", () => {
    const machine = start(options, scalable);
    inject(machine, "hang", 1000);
    const before = machine.clock.now;
    expect(machine.kernel.invalidateTlb(machine.pointer())).toBe(status(scalable ? "TimedOut" : "Done"));
    expect(machine.clock.now - before).toBeLessThan(3n * machine.clock.frequency);
    expect(machine.lines.at(-1)).toBe("vtd unit 0: invalidation queue stood still, given up");
    expect(machine.unit.queue.isOn).toBe(false);
    expect(machine.kernel.unitQueue(0)).toBe(0n);
    expect(machine.kernel.invalidateContexts(machine.pointer())).toBe(status(scalable ? "Unsupported" : "Done"));
    expect(machine.kernel.invalidateInterrupts(machine.pointer())).toBe(status("Unsupported"));
    expect(machine.unit.caches.log).toEqual(scalable ? [] : ["tlb", "contexts"]);
    expect(machine.unit.protocolErrors).toEqual([]);
  });
});

test("a queue that stands still and cannot be switched off forbids the registers too", () => {
  const machine = start();
  inject(machine, "hang", 1000);
  machine.unit.stuck.add(GLOBAL.QIE);
  expect(machine.kernel.invalidateTlb(machine.pointer())).toBe(status("Unsupported"));
  expect(machine.kernel.invalidateContexts(machine.pointer())).toBe(status("Unsupported"));
  expect(machine.lines).toEqual(["vtd unit 0: invalidation queue stood still, given up"]);
  expect(machine.unit.protocolErrors).toEqual([]);
  expect(machine.unit.caches.log).toEqual([]);
});

describe("injected errors of device TLBs", () => {
  test("ITE once: cleared and done again", () => {
    const machine = start(DEVICE_TLB);
    inject(machine, "device-time-out", 1, DESCRIPTOR.DeviceTlb);
    expect(machine.kernel.invalidateDeviceTlb(machine.pointer(), DEVICE)).toBe(status("Done"));
    expect(machine.unit.caches.log).toEqual(["device tlb 0x18"]);
    expect(machine.lines).toEqual(["vtd unit 0: device TLB of 00:03.0: invalidation timed out, retried"]);
    expect(machine.unit.read(FSTS, 4)).toBe(0n);
  });

  test("ITE twice: given up with the device's name, and the queue still works", () => {
    const machine = start(DEVICE_TLB);
    inject(machine, "device-time-out", 2, DESCRIPTOR.DeviceTlb);
    expect(machine.kernel.invalidateDeviceTlb(machine.pointer(), DEVICE)).toBe(status("DeviceTlbTimeOut"));
    expect(machine.lines.at(-1)).toBe("vtd unit 0: device TLB of 00:03.0: invalidation timed out, given up");
    expect(machine.kernel.invalidateTlb(machine.pointer())).toBe(status("Done"));
  });

  test("ITE that comes late hits another command, which is done again", () => {
    const machine = start(DEVICE_TLB);
    inject(machine, "device-time-out", 1, DESCRIPTOR.Wait);
    expect(machine.kernel.invalidateTlb(machine.pointer())).toBe(status("Done"));
    expect(machine.unit.caches.log).toEqual(["tlb", "tlb"]);
    expect(machine.lines[0]).toMatch(/^vtd unit 0: device TLB of .*: invalidation timed out, retried$/);
  });

  test("a device that never answers costs about a second, not the queue", () => {
    const machine = start(DEVICE_TLB);
    inject(machine, "hang", 1000, DESCRIPTOR.DeviceTlb);
    const before = machine.clock.now;
    expect(machine.kernel.invalidateDeviceTlb(machine.pointer(), DEVICE)).toBe(status("DeviceTlbTimeOut"));
    expect(machine.clock.now - before).toBeLessThan(2n * machine.clock.frequency);
    expect(machine.lines).toEqual([
      "vtd unit 0: invalidation queue stood still, restarted", "vtd unit 0: device TLB of 00:03.0: invalidation timed out, given up",
    ]);
    expect(machine.kernel.invalidateTlb(machine.pointer())).toBe(status("Done"));
    expect(machine.unit.queue.isOn).toBe(true);
  });

  test("ICE: done again once, then an error; other commands do not mind", () => {
    const machine = start(DEVICE_TLB);
    inject(machine, "completion", 1, DESCRIPTOR.DeviceTlb);
    expect(machine.kernel.invalidateDeviceTlb(machine.pointer(), DEVICE)).toBe(status("Done"));
    expect(machine.unit.caches.log).toHaveLength(2);
    inject(machine, "completion", 2, DESCRIPTOR.DeviceTlb);
    expect(machine.kernel.invalidateDeviceTlb(machine.pointer(), DEVICE)).toBe(status("CompletionError"));
    inject(machine, "completion", 1, DESCRIPTOR.Context);
    expect(machine.kernel.invalidateContexts(machine.pointer())).toBe(status("Done"));
    expect(machine.unit.queue.isOn).toBe(true);
    expect(machine.unit.read(FSTS, 4)).toBe(0n);
    expect(machine.lines).toHaveLength(3); // the 1st, 2nd and 4th
  });
});

describe("registers that do not do it", () => {
  test.each([["CCMD", "invalidateContexts"], ["IOTLB", "invalidateTlb"]] as const)("%s stands still", (register, call) => {
    const machine = start(REGISTERS);
    machine.unit.stuck.add(register);
    const before = machine.clock.now;
    expect(machine.kernel[call](machine.pointer())).toBe(status("TimedOut"));
    expect(machine.clock.now - before).toBeLessThan(2n * machine.clock.frequency);
  });

  test("a command that the unit refuses is not taken for done", () => {
    const machine = start(REGISTERS);
    machine.unit.refusesRegisters = true;
    expect(machine.kernel.invalidateContexts(machine.pointer())).toBe(status("Refused"));
    expect(machine.kernel.invalidateTlbDomain(machine.pointer(), 1)).toBe(status("Refused"));
  });

  test("a TSC that stands still does not make the wait endless", () => {
    const machine = start(REGISTERS, false, new Clock(2_000_000_000n, 0n));
    machine.unit.stuck.add("CCMD");
    expect(machine.kernel.invalidateContexts(machine.pointer())).toBe(status("TimedOut"));
  });
});
