// The kernel's tables and invalidations against caches that forget nothing by themselves.

import { beforeAll, describe, expect, test } from "vitest";
import { compileRemapping, RemappingMachine } from "../machine/remapping-machine.ts";
import { capability, extendedCapability, type RemappingOptions } from "../machine/remapping-unit.ts";

const DEVICE = 0x18;
const PARTITION = 0;
const DOMAIN = 1;
/** Device address and memory that the partition's devices reach. */
const FROM = 0x20_0000n;
const TO = 0x4000_0000n;
const LENGTH = 0x4000n;

const MODES: [string, RemappingOptions, boolean][] = [
  ["legacy mode", {}, false],
  ["legacy mode, caching mode", { capability: capability({ cachingMode: true }) }, false],
  ["legacy mode by registers", { extended: extendedCapability({ queue: false, interrupts: true }) }, false],
  ["scalable mode", { extended: extendedCapability({ scalable: true }) }, true],
  ["scalable mode, caching mode", { capability: capability({ cachingMode: true }), extended: extendedCapability({ scalable: true }) }, true],
];

let module: WebAssembly.Module;
beforeAll(async () => {
  module = await compileRemapping();
}, 120_000);

function start(options: RemappingOptions, scalable: boolean): RemappingMachine {
  const machine = new RemappingMachine(module, [options]);
  machine.start(scalable);
  expect(machine.kernel.addSource(0, DEVICE, 0, PARTITION)).toBe(0);
  return machine;
}

function attach(machine: RemappingMachine): bigint {
  const root = machine.kernel.domainRoot(PARTITION);
  expect(machine.kernel.grantMemory(PARTITION, FROM, TO, LENGTH)).toBe(0);
  expect(machine.kernel.attachSource(machine.pointer(), DEVICE, DOMAIN, root, 0)).toBe(0);
  return root;
}

describe.each(MODES)("%s", (_name, options, scalable) => {
  test("nothing passes before the device is attached, then exactly what was granted", () => {
    const machine = start(options, scalable);
    const { unit } = machine;
    expect(unit.dma(DEVICE, FROM, 4, true).blocked).toBe(scalable ? 0x39 : 0x1);
    attach(machine);
    expect(unit.deviceWrite(DEVICE, FROM + 0xffen, Buffer.from("edge"))).toBe(true);
    expect(machine.memory.readBytes(Number(TO) + 0xffe, 4).toString()).toBe("edge");
    expect(unit.deviceRead(DEVICE, FROM + 0xffen, 4).toString()).toBe("edge");
    expect(unit.deviceWrite(DEVICE, FROM + LENGTH - 2n, Buffer.from("edge"))).toBe(false);
    expect(unit.dma(DEVICE, FROM - 1n, 1, false).blocked).toBe(scalable ? 0x79 : 0x6);
    expect(unit.dma(DEVICE, 1n << 48n, 1, true).blocked).toBe(scalable ? 0x83 : 0x4);
    expect(unit.dma(DEVICE + 1, FROM, 1, true).blocked).toBe(scalable ? 0x41 : 0x2);
    expect(unit.protocolErrors).toEqual([]);
  });

  test("a page that was tried before it was mapped works afterwards", () => {
    const machine = start(options, scalable);
    const root = machine.kernel.domainRoot(PARTITION);
    machine.kernel.makeContextTable(machine.pointer(), DEVICE);
    expect(machine.unit.dma(DEVICE, FROM, 4, true).blocked).toBe(scalable ? 0x41 : 0x2);
    machine.kernel.grantMemory(PARTITION, FROM, TO, LENGTH);
    expect(machine.kernel.attachSource(machine.pointer(), DEVICE, DOMAIN, root, 0)).toBe(0);
    expect(machine.unit.dma(DEVICE, FROM, 4, true).blocked).toBeUndefined();
  });

  test("unmapped without an invalidation it still lands, with the kernel's own path it does not", () => {
    const machine = start(options, scalable);
    const root = attach(machine);
    expect(machine.unit.deviceWrite(DEVICE, FROM, Buffer.from("one"))).toBe(true);
    expect(machine.kernel.unmapSecondLevel(root, FROM, 0x1000n)).toBe(0);
    expect(machine.unit.deviceWrite(DEVICE, FROM, Buffer.from("two"))).toBe(true);
    expect(machine.memory.readBytes(Number(TO), 3).toString()).toBe("two");
    expect(machine.kernel.rangeUnmapped(DOMAIN, PARTITION, FROM, 0x1000n)).toBe(1);
    expect(machine.unit.deviceWrite(DEVICE, FROM, Buffer.from("six"))).toBe(false);
    expect(machine.memory.readBytes(Number(TO), 3).toString()).toBe("two");
  });

  test("a detached device is blocked at once, whatever was cached, and in the right order", () => {
    const machine = start(options, scalable);
    attach(machine);
    expect(machine.unit.dma(DEVICE, FROM, 4, true).blocked).toBeUndefined();
    machine.unit.caches.log.length = 0;
    // DMA between the invalidations must not bring anything back.
    machine.unit.caches.onInvalidation = () => void machine.unit.dma(DEVICE, FROM, 4, true);
    expect(machine.kernel.detachSource(machine.pointer(), DEVICE, DOMAIN, 0)).toBe(1);
    expect(machine.unit.caches.log).toEqual([
      "context 0x18 of domain 1", ...(scalable ? ["pasids of domain 1"] : []), "tlb of domain 1",
    ]);
    expect(machine.unit.caches.translations.filter((one) => one.domain === DOMAIN)).toEqual([]);
    expect(machine.unit.dma(DEVICE, FROM, 4, true).blocked).toBe(scalable ? 0x41 : 0x2);
  });
});

test("a device TLB keeps an unmapped page until it is told to forget", () => {
  const machine = new RemappingMachine(module, [{ extended: extendedCapability({ deviceTlb: true }) }]);
  machine.start();
  machine.kernel.setDeviceTlb(machine.kernel.addSource(0, DEVICE, 0, PARTITION), 1);
  const root = machine.kernel.domainRoot(PARTITION);
  machine.kernel.grantMemory(PARTITION, FROM, TO, LENGTH);
  machine.kernel.attachSource(machine.pointer(), DEVICE, DOMAIN, root, 1);
  expect(machine.unit.deviceTlbDma(DEVICE, FROM, true).blocked).toBeUndefined();
  machine.kernel.unmapSecondLevel(root, FROM, 0x1000n);
  machine.kernel.invalidateTlbDomain(machine.pointer(), DOMAIN);
  expect(machine.unit.deviceTlbDma(DEVICE, FROM, true).pieces).toEqual([{ to: TO, length: 1 }]);
  expect(machine.kernel.rangeUnmapped(DOMAIN, PARTITION, FROM, 0x1000n)).toBe(1);
  expect(machine.unit.deviceTlbDma(DEVICE, FROM, true).blocked).toBe(0x5);
});

describe("interrupts", () => {
  const VALIDATE = 1 << 18;

  function remapping(options: RemappingOptions = {}): { machine: RemappingMachine; index: number } {
    const machine = new RemappingMachine(module, [options]);
    machine.start();
    const index = machine.kernel.allocateEntries(machine.pointer(), 1);
    return { machine, index };
  }

  test("an entry takes its own source only, and is gone when it is cleared", () => {
    const { machine, index } = remapping();
    const address = 0xfee0_0010 | (index << 5);
    expect(machine.unit.message(DEVICE, address, 0)).toMatchObject({ blocked: 0x22, index });
    expect(machine.kernel.writeEntry(machine.pointer(), index, 0x51, 2, 0, VALIDATE | DEVICE)).toBe(0);
    expect(machine.unit.message(DEVICE, address, 0)).toEqual({ vector: 0x51, destination: 2 });
    expect(machine.unit.message(DEVICE + 8, address, 0)).toMatchObject({ blocked: 0x26 });
    expect(machine.unit.message(DEVICE, 0xfee0_0000, 0x51)).toMatchObject({ blocked: 0x25 });
    expect(machine.unit.message(DEVICE, 0xfee0_0010 | (300 << 5), 0)).toMatchObject({ blocked: 0x21 });
    expect(machine.kernel.clearEntry(machine.pointer(), index)).toBe(0);
    expect(machine.unit.message(DEVICE, address, 0)).toMatchObject({ blocked: 0x22 });
  });

  test("in caching mode an entry that was tried before it was written works", () => {
    const { machine, index } = remapping({ capability: capability({ cachingMode: true }) });
    const address = 0xfee0_0010 | (index << 5);
    expect(machine.unit.message(DEVICE, address, 0)).toMatchObject({ blocked: 0x22 });
    expect(machine.kernel.writeEntry(machine.pointer(), index, 0x52, 0, 0, VALIDATE | DEVICE)).toBe(0);
    expect(machine.unit.message(DEVICE, address, 0)).toEqual({ vector: 0x52, destination: 0 });
  });
});
