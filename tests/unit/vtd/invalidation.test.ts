import { beforeAll, describe, expect, test } from "vitest";
import { compileRemapping, RemappingMachine } from "../machine/remapping-machine.ts";
import { capability, extendedCapability, GLOBAL, type RemappingOptions } from "../machine/remapping-unit.ts";
import type { QueueErrorKind } from "../machine/remapping-queue.ts";
import { enumReader } from "../machine/source-enums.ts";

const status = enumReader("kernel/vtd/invalidation-status.ts", "InvalidationStatus");
const QUEUE = {};
const REGISTERS: RemappingOptions = { extended: extendedCapability({ queue: false, interrupts: false }) };
const SCALABLE: RemappingOptions = { extended: extendedCapability({ scalable: true }) };
const DEVICE = 0x18;
const FSTS = 0x34;

let module: WebAssembly.Module;
beforeAll(async () => {
  module = await compileRemapping();
}, 120_000);

function start(options: RemappingOptions = QUEUE, scalable = false): RemappingMachine {
  const machine = new RemappingMachine(module, [options]);
  machine.kernel.setScalable(0, scalable ? 1 : 0);
  if (scalable) machine.unit.root = { address: 0n, isScalable: true };
  expect(machine.kernel.startInvalidation(machine.pointer())).toBe(status("Done"));
  return machine;
}

function inject(machine: RemappingMachine, kind: QueueErrorKind): void {
  machine.unit.queue.injected.push({ kind, times: 1 });
}

test("the simulated unit has the capabilities of QEMU's by default", () => {
  expect(capability()).toBe(0xd2008c222f0606n);
  expect(extendedCapability()).toBe(0xf00f4an);
});

describe.each([
  ["queue", QUEUE, false, true],
  ["registers", REGISTERS, false, false],
  ["queue of 256-bit descriptors", SCALABLE, true, true],
])("by %s", (_name, options, scalable, hasQueue) => {
  test("each command reaches what it names, and nothing else", () => {
    const machine = start(options, scalable);
    const { kernel, unit } = machine;
    const pointer = machine.pointer();
    const results = [
      kernel.invalidateContexts(pointer), kernel.invalidateContext(pointer, 3, DEVICE), kernel.invalidateTlb(pointer),
      kernel.invalidateTlbDomain(pointer, 7), kernel.invalidateTlbPages(pointer, 7, 0x12_3000n, 0x1000n),
      kernel.invalidateTlbPages(pointer, 7, 0x1f_f000n, 0x2000n), kernel.invalidateTlbPages(pointer, 7, 0x4000_0000n, 0x4000_0000n),
    ];
    expect(results).toEqual(results.map(() => status("Done")));
    expect(unit.caches.log).toEqual([
      "contexts", "context 0x18 of domain 3", "tlb", "tlb of domain 7", "tlb pages 0x123000 mask 0 of domain 7",
      "tlb pages 0x0 mask 10 of domain 7", "tlb pages 0x40000000 mask 18 of domain 7",
    ]);
    expect(unit.protocolErrors).toEqual([]);
    expect(unit.queue.isOn).toBe(hasQueue);
    expect(machine.lines).toEqual([]);
  });

  test("a range that one command cannot name takes the whole domain, an empty one nothing", () => {
    const machine = start(options, scalable);
    expect(machine.kernel.invalidateTlbPages(machine.pointer(), 2, 0n, 0x8000_0000n)).toBe(status("Done"));
    expect(machine.kernel.invalidateTlbPages(machine.pointer(), 2, 0x7fff_f000n, 0x2000n)).toBe(status("Done"));
    expect(machine.kernel.invalidateTlbPages(machine.pointer(), 2, 0x1000n, 0n)).toBe(status("Done"));
    expect(machine.unit.caches.log).toEqual(["tlb of domain 2", "tlb of domain 2"]);
  });

  test("without CAP.PSI pages take the whole domain", () => {
    const machine = start({ ...options, capability: capability({ pageSelective: false }) }, scalable);
    expect(machine.kernel.invalidateTlbPages(machine.pointer(), 2, 0x1000n, 0x1000n)).toBe(status("Done"));
    expect(machine.unit.caches.log).toEqual(["tlb of domain 2"]);
  });

  test("without read and write drain the bits stay 0", () => {
    const machine = start({ ...options, capability: capability({ drains: false }) }, scalable);
    expect(machine.kernel.invalidateTlb(machine.pointer())).toBe(status("Done"));
    expect(machine.unit.caches.log).toEqual(["tlb"]);
  });

  test("with CAP.RWBF the write buffer is flushed first", () => {
    const machine = start({ ...options, capability: capability({ writeBufferFlush: true }) }, scalable);
    expect(machine.kernel.invalidateContexts(machine.pointer())).toBe(status("Done"));
    expect(machine.unit.caches.log).toEqual(["write buffer", "contexts"]);
  });

  test("the queue goes round many times", () => {
    const machine = start(options, scalable);
    for (let i = 0; i < 600; i++) expect(machine.kernel.invalidateTlbDomain(machine.pointer(), i % 16)).toBe(status("Done"));
    expect(machine.unit.caches.log.map((line) => line.split(" ").at(-1))).toEqual(Array.from({ length: 600 }, (_, i) => String(i % 16)));
  });
});

test("a write buffer that is not flushed is an error, and nothing is invalidated", () => {
  const machine = start({ ...REGISTERS, capability: capability({ writeBufferFlush: true }) });
  machine.unit.stuck.add(GLOBAL.WBF);
  expect(machine.kernel.invalidateContexts(machine.pointer())).toBe(status("WriteBuffer"));
  expect(machine.unit.caches.log).toEqual([]);
});

describe("what only the queue can do", () => {
  test("interrupt entries", () => {
    const machine = start();
    const pointer = machine.pointer();
    expect(machine.kernel.invalidateInterrupts(pointer)).toBe(status("Done"));
    expect(machine.kernel.invalidateInterruptEntries(pointer, 5, 1)).toBe(status("Done"));
    expect(machine.kernel.invalidateInterruptEntries(pointer, 5, 3)).toBe(status("Done"));
    expect(machine.kernel.invalidateInterruptEntries(pointer, 5, 0)).toBe(status("Done"));
    expect(machine.unit.caches.log).toEqual(["interrupts", "interrupts 5 mask 0", "interrupts 4 mask 2"]);
  });

  test("more interrupt entries than ECAP.MHMV allows take all", () => {
    const machine = start({ extended: extendedCapability({ maximumHandleMask: 1 }) });
    expect(machine.kernel.invalidateInterruptEntries(machine.pointer(), 0, 3)).toBe(status("Done"));
    expect(machine.unit.caches.log).toEqual(["interrupts"]);
  });

  test.each([[false], [true]])("a device TLB, paced by physical function: %s", (pacedDeviceTlb) => {
    const machine = start({ extended: extendedCapability({ deviceTlb: true, pacedDeviceTlb }) });
    expect(machine.kernel.invalidateDeviceTlb(machine.pointer(), 0x1234)).toBe(status("Done"));
    expect(machine.unit.caches.log).toEqual(["device tlb 0x1234"]);
  });

  test("the PASID cache, in scalable mode", () => {
    const machine = start(SCALABLE, true);
    expect(machine.kernel.invalidatePasidCache(machine.pointer(), 4)).toBe(status("Done"));
    expect(machine.unit.caches.log).toEqual(["pasids of domain 4"]);
    expect(start().kernel.invalidatePasidCache(machine.pointer(), 4)).toBe(status("Unsupported"));
  });

  test("with registers they are refused, not taken for done", () => {
    const machine = start(REGISTERS);
    expect(machine.kernel.invalidateInterrupts(machine.pointer())).toBe(status("Unsupported"));
    expect(machine.kernel.invalidateInterruptEntries(machine.pointer(), 1, 1)).toBe(status("Unsupported"));
    expect(machine.kernel.invalidateDeviceTlb(machine.pointer(), DEVICE)).toBe(status("Unsupported"));
    expect(machine.unit.caches.log).toEqual([]);
  });
});

describe("start", () => {
  test("a queue that firmware left on is emptied and replaced", () => {
    const machine = new RemappingMachine(module);
    const { unit } = machine;
    unit.queue.address = 0x30_0000n;
    machine.memory.write(0x30_0000, 8, 0x11n);
    machine.kernel.setGlobal(machine.pointer(), GLOBAL.QIE, 1);
    unit.write(0x88, 8, 16n);
    expect(machine.kernel.startInvalidation(machine.pointer())).toBe(status("Done"));
    expect(unit.caches.log).toEqual(["contexts"]);
    expect(unit.queue.address).toBe(machine.kernel.unitQueue(0));
    expect(unit.protocolErrors).toEqual([]);
    expect(machine.kernel.invalidateTlb(machine.pointer())).toBe(status("Done"));
  });

  test.each(["hang", "refused"] as const)("firmware's queue that stands still (%s) is switched off in bounded time", (kind) => {
    const machine = new RemappingMachine(module);
    inject(machine, kind);
    machine.unit.queue.address = 0x30_0000n;
    machine.memory.write(0x30_0000, 8, 0x11n);
    machine.kernel.setGlobal(machine.pointer(), GLOBAL.QIE, 1);
    machine.unit.write(0x88, 8, 16n);
    expect(machine.kernel.startInvalidation(machine.pointer())).toBe(status("Done"));
    expect(machine.unit.read(FSTS, 4)).toBe(0n);
    expect(machine.kernel.invalidateTlb(machine.pointer())).toBe(status("Done"));
    expect(machine.unit.caches.log).toEqual(["tlb"]);
  });

  test("firmware's queue that cannot be switched off is an error", () => {
    const machine = new RemappingMachine(module);
    machine.kernel.setGlobal(machine.pointer(), GLOBAL.QIE, 1);
    machine.unit.stuck.add(GLOBAL.QIE);
    expect(machine.kernel.startInvalidation(machine.pointer())).toBe(status("TimedOut"));
  });

  test("where the queue does not come on, legacy mode takes the registers and scalable mode gives up", () => {
    const legacy = new RemappingMachine(module);
    legacy.unit.stuck.add(GLOBAL.QIE);
    expect(legacy.kernel.startInvalidation(legacy.pointer())).toBe(status("Done"));
    expect(legacy.kernel.invalidateTlb(legacy.pointer())).toBe(status("Done"));
    expect(legacy.unit.caches.log).toEqual(["tlb"]);
    const scalable = new RemappingMachine(module, [SCALABLE]);
    scalable.kernel.setScalable(0, 1);
    scalable.unit.stuck.add(GLOBAL.QIE);
    expect(scalable.kernel.startInvalidation(scalable.pointer())).toBe(status("Unsupported"));
    expect(scalable.kernel.invalidateTlb(scalable.pointer())).toBe(status("Unsupported"));
    expect(scalable.unit.protocolErrors).toEqual([]);
  });
});
