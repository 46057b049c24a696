// Random devices and interrupts: the walkers accept what the kernel's own builders make of a list, and no other list.

import { beforeAll, describe, expect, test } from "vitest";
import { compileEntry } from "../machine/compile.ts";
import { interruptViews, sourceViews } from "../machine/remapping-walker.ts";
import { Random } from "../monitor/decoder/native/random.ts";
import { type Device, type Interrupt, PAGE, walkStatus, WalkerMachine, type WalkerExports } from "./walker-machine.ts";

interface BuilderExports extends WalkerExports {
  enableLocalApic(): void;
  prepareUnit(isScalable: number, interruptEntries: number): number;
  rootTable(): bigint;
  interruptTable(): bigint;
  hasExtendedDestinations(): number;
  attach(sourceId: number, domainId: number, root: bigint, deviceTlb: number): number;
  write(index: number, vector: number, apicId: number, levelTriggered: number, validation: number): number;
  writePosted(index: number, vector: number, descriptor: bigint, urgent: number, validation: number): number;
}

const SEED = BigInt(process.env["WALKER_SEED"] ?? "20240611");
const RUNS = Array.from({ length: 12 }, (_, i) => ({ seed: SEED * 1000n + BigInt(i) + 1n, levels: 3 + (i % 3), isScalable: i % 2 === 1, isExtended: i % 4 >= 2 }));
const INTERRUPT_ENTRIES = 256;

let module: WebAssembly.Module;
beforeAll(async () => {
  module = await compileEntry("tests/fixtures/walker/builders.ts");
}, 120_000);

function start(levels: number, isScalable: boolean, x2Apic = false): { machine: WalkerMachine; kernel: BuilderExports } {
  const machine = new WalkerMachine(module, { x2Apic });
  machine.useUnit(levels, 3, { extendedInterrupts: x2Apic, posted: true });
  const kernel = machine.walker as BuilderExports;
  kernel.enableLocalApic();
  expect(kernel.prepareUnit(isScalable ? 1 : 0, INTERRUPT_ENTRIES)).toBe(1);
  return { machine, kernel };
}

function randomDevices(random: Random, levels: number): Device[] {
  const roots = Array.from({ length: 1 + random.below(4) }, (_, i) => 0x4000_0000n + BigInt(i) * PAGE);
  const sourceIds = new Set(Array.from({ length: 1 + random.below(20) }, () => (random.below(3) << 8) | random.below(256)));
  return [...sourceIds].map((sourceId) => {
    const partition = random.below(roots.length);
    return { sourceId, domainId: partition + 1, root: roots[partition]!, levels, deviceTlb: random.below(3) === 0 };
  });
}

function randomInterrupts(random: Random, isExtended: boolean): Interrupt[] {
  const indices = new Set(Array.from({ length: 1 + random.below(40) }, () => random.below(INTERRUPT_ENTRIES)));
  return [...indices].map((index) => {
    const isPosted = random.below(3) === 0;
    const sourceValidation = random.below(4) === 0 ? (2 << 18) | 0x0305 : (1 << 18) | random.below(65536);
    return {
      index,
      vector: 16 + random.below(240),
      destination: isPosted ? 0 : random.below(isExtended ? 100_000 : 255),
      levelTriggered: !isPosted && random.below(2) === 0,
      sourceValidation,
      urgent: isPosted && random.below(2) === 0,
      descriptor: isPosted ? 64n * BigInt(1 + random.below(2 ** 31)) : 0n,
    };
  });
}

describe.each(RUNS)("seed $seed, $levels levels, scalable $isScalable, x2APIC $isExtended", ({ seed, levels, isScalable, isExtended }) => {
  test("devices", () => {
    const random = new Random(seed);
    const { machine, kernel } = start(levels, isScalable);
    const devices = randomDevices(random, levels);
    for (const one of devices) expect(kernel.attach(one.sourceId, one.domainId, one.root, one.deviceTlb ? 1 : 0)).toBe(0);
    const table = kernel.rootTable();
    expect([...sourceViews(machine.memory, table, isScalable).keys()].sort((a, b) => a - b)).toEqual(devices.map((one) => one.sourceId).sort((a, b) => a - b));
    expect(machine.checkDevices(table, isScalable, devices)).toBe(walkStatus("Good"));
    expect(machine.checkDevices(table, isScalable, devices.slice(1))).toBe(walkStatus("UnknownSource"));
    expect(machine.checkDevices(table, isScalable, [...devices, { ...devices[0]!, sourceId: 0x0400 }])).toBe(walkStatus("SourceMissing"));
    expect(machine.checkDevices(table, !isScalable, devices)).not.toBe(walkStatus("Good"));
  });

  test("interrupts", () => {
    const random = new Random(seed);
    const { machine, kernel } = start(levels, isScalable, isExtended);
    expect(kernel.hasExtendedDestinations()).toBe(isExtended ? 1 : 0);
    const interrupts = randomInterrupts(random, isExtended);
    for (const one of interrupts) {
      const status = one.descriptor === 0n
        ? kernel.write(one.index, one.vector, one.destination, one.levelTriggered ? 1 : 0, one.sourceValidation)
        : kernel.writePosted(one.index, one.vector, one.descriptor, one.urgent ? 1 : 0, one.sourceValidation);
      expect(status).toBe(0);
    }
    const table = kernel.interruptTable();
    const indices = interrupts.map((one) => one.index).sort((a, b) => a - b);
    expect([...interruptViews(machine.memory, table, INTERRUPT_ENTRIES).keys()]).toEqual(indices);
    expect(machine.checkInterrupts(table, INTERRUPT_ENTRIES, interrupts, isExtended)).toBe(walkStatus("Good"));
    expect(machine.checkInterrupts(table, INTERRUPT_ENTRIES, interrupts.slice(1), isExtended)).toBe(walkStatus("UnknownInterrupt"));
    const [first, ...others] = interrupts as [Interrupt, ...Interrupt[]];
    expect(machine.checkInterrupts(table, INTERRUPT_ENTRIES, [...others, { ...first, vector: first.vector ^ 1 }], isExtended)).toBe(walkStatus("WrongVector"));
  });
});
