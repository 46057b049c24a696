// Sizing of base address registers, and pages that two functions share.

import { beforeAll, describe, expect, test } from "vitest";
import type { SimulatedFunction } from "../../machine/pci-function.ts";
import { enumReader } from "../../machine/source-enums.ts";
import { compilePci, NONE, PciMachine } from "./pci-machine.ts";

const barStatus = enumReader("planner/drivers/pci/bar-size.ts", "BarStatus");
const IO = 1;
const WIDE = 4;
const PREFETCHABLE = 8;
const NO_BAR = { address: 0n, size: 0n, flags: 0 };

let module: WebAssembly.Module;
beforeAll(async () => {
  module = await compilePci();
}, 240_000);

function scanned(prepare: (add: PciMachine["pci"]) => void): PciMachine {
  const machine = new PciMachine(module);
  prepare(machine.pci);
  machine.driver.scanFunctions();
  return machine;
}

/** A machine with one function, which decodes its memory and ports. */
function withFunction(prepare: (target: SimulatedFunction) => void, classCode = 0x02_0000): { machine: PciMachine; target: SimulatedFunction } {
  const machine = new PciMachine(module);
  const target = machine.pci.add("00:04.0", { classCode });
  prepare(target);
  target.bytes[4] = 7;
  machine.driver.scanFunctions();
  return { machine, target };
}

describe("sizes", () => {
  test("of each kind of BAR; registers and decoding are as before", () => {
    const { machine, target } = withFunction((made) => {
      made.bar(0, 0x2_0000, 0xfebc_0000).bar(1, 32, 0xc040, IO).bar(2, 0x4000, 0x38_0000_0000, WIDE | PREFETCHABLE).bar(5, 16, 0xfeb0_0010, 2);
    });
    const before = Buffer.from(target.bytes);
    expect(machine.driver.sizeBars(0)).toBe(barStatus("Done"));
    expect(machine.bars()).toEqual([
      { address: 0xfebc_0000n, size: 0x2_0000n, flags: 0 },
      { address: 0xc040n, size: 32n, flags: IO },
      { address: 0x38_0000_0000n, size: 0x4000n, flags: WIDE | PREFETCHABLE },
      NO_BAR,
      NO_BAR,
      { address: 0xfeb0_0010n, size: 16n, flags: 0 },
    ]);
    expect(target.bytes.equals(before)).toBe(true);
    expect(target.sizedWhileDecoding).toBe(0);
  });

  test("the simulated function notices a sizing while it decodes", () => {
    const { machine, target } = withFunction((made) => made.bar(0, 0x1000, 0xfeb0_0000));
    machine.driver.configWrite32(0, 0x20, 0x10, -1);
    expect(target.sizedWhileDecoding).toBe(1);
  });

  test("of 4 GiB and more, and of a 64-bit BAR whose decoder has 40 bits", () => {
    const { machine, target } = withFunction((made) => {
      made.bar(0, 2 ** 32, 2 ** 34, WIDE).bar(2, 2 ** 36, 2 ** 37, WIDE | PREFETCHABLE).bar(4, 0x1000, 2 ** 33, WIDE);
    });
    target.writable.writeUInt32LE(0xff, 0x24);
    expect(machine.driver.sizeBars(0)).toBe(barStatus("Done"));
    expect(machine.bars().filter((bar) => bar.size !== 0n)).toEqual([
      { address: 2n ** 34n, size: 2n ** 32n, flags: WIDE },
      { address: 2n ** 37n, size: 2n ** 36n, flags: WIDE | PREFETCHABLE },
      { address: 2n ** 33n, size: 0x1000n, flags: WIDE },
    ]);
  });

  test("an I/O BAR may leave its upper half at zero", () => {
    const { machine, target } = withFunction((made) => made.bar(0, 256, 0xd000, IO));
    target.writable.writeUInt16LE(0, 0x12);
    expect(machine.driver.sizeBars(0)).toBe(barStatus("Done"));
    expect(machine.bars()[0]).toEqual({ address: 0xd000n, size: 256n, flags: IO });
  });

  test("a register of zero is no BAR; a BAR that firmware gave no address has size and no address", () => {
    const { machine } = withFunction((made) => made.bar(3, 0x1000, 0));
    expect(machine.driver.sizeBars(0)).toBe(barStatus("Done"));
    expect(machine.bars()).toEqual([NO_BAR, NO_BAR, NO_BAR, { address: 0n, size: 0x1000n, flags: 0 }, NO_BAR, NO_BAR]);
  });

  test("what the function before left in the table is gone", () => {
    const machine = scanned((pci) => {
      pci.add("00:04.0").bar(0, 0x1000, 0xfeb0_0000);
      pci.add("00:05.0");
    });
    machine.driver.sizeBars(0);
    machine.driver.sizeBars(1);
    expect(machine.bars()).toEqual(Array.from({ length: 6 }, () => NO_BAR));
  });

  test("a bridge has two BARs, its bus numbers are none", () => {
    const machine = scanned((pci) => void pci.add("00:1c.0", { classCode: 0x06_0400 }).bar(0, 0x1000, 0xfeb0_0000).bridge(1));
    expect(machine.driver.sizeBars(0)).toBe(barStatus("Done"));
    expect(machine.bars().filter((bar) => bar.size !== 0n)).toHaveLength(1);
    expect(machine.driver.configRead16(0, 0xe0, 0x19)).toBe(0x0101);
  });

  test("a host bridge is left alone", () => {
    const { machine, target } = withFunction((made) => made.bar(0, 0x1000, 0xfeb0_0000), 0x06_0000);
    const written: number[] = [];
    const write = target.write.bind(target);
    target.write = (offset, size, value) => {
      written.push(offset);
      write(offset, size, value);
    };
    expect(machine.driver.sizeBars(0)).toBe(barStatus("Done"));
    expect(machine.bars()[0]).toEqual(NO_BAR);
    expect(written).toEqual([]);
  });
});

describe("what is refused", () => {
  test("a 64-bit BAR in the last register", () => {
    const { machine, target } = withFunction((made) => made.bar(0, 0x1000, 0xfeb0_0000));
    target.bytes.writeUInt32LE(0xfea0_0004, 0x24);
    target.writable.writeUInt32LE(0xffff_f000, 0x24);
    const pointer = target.bytes.readUInt32LE(0x28);
    expect(machine.driver.sizeBars(0)).toBe(barStatus("UpperHalfMissing"));
    expect(machine.bars()[5]).toEqual({ address: 0n, size: 0n, flags: WIDE });
    expect(machine.bars()[0]).toMatchObject({ size: 0x1000n });
    expect(target.bytes.readUInt32LE(0x24)).toBe(0xfea0_0004);
    expect(target.bytes.readUInt32LE(0x28)).toBe(pointer);
  });

  test("a 64-bit BAR in the second register of a bridge", () => {
    const machine = scanned((pci) => void pci.add("00:1c.0").bar(1, 0x1000, 0xfeb0_0000, WIDE).bridge(1));
    expect(machine.driver.sizeBars(0)).toBe(barStatus("UpperHalfMissing"));
  });

  test("the reserved type", () => {
    const { machine } = withFunction((made) => made.bar(1, 0x1000, 0xfeb0_0000, 6));
    expect(machine.driver.sizeBars(0)).toBe(barStatus("TypeReserved"));
    expect(machine.bars()[1]).toMatchObject({ address: 0n, size: 0n });
  });

  test.each([
    ["a hole", 0xfff0_f000],
    ["nothing at the top", 0x00ff_f000],
  ])("32-bit address bits with %s", (_what, mask) => {
    const { machine, target } = withFunction((made) => made.bar(0, 0x1000, 0xfe00_0000));
    target.writable.writeUInt32LE(mask, 0x10);
    expect(machine.driver.sizeBars(0)).toBe(barStatus("MaskMalformed"));
    expect(machine.bars()[0]).toEqual(NO_BAR);
  });

  test.each([
    ["a hole", 0xffff_f000, 0xff0f_ffff],
    ["nothing from bit 31 on", 0x7fff_f000, 0],
  ])("64-bit address bits with %s", (_what, low, high) => {
    const { machine, target } = withFunction((made) => made.bar(0, 0x1000, 0x3000_0000, WIDE));
    target.writable.writeUInt32LE(low, 0x10);
    target.writable.writeUInt32LE(high, 0x14);
    expect(machine.driver.sizeBars(0)).toBe(barStatus("MaskMalformed"));
    expect(machine.bars()[0]).toMatchObject({ address: 0n, size: 0n });
  });
});

describe("pages", () => {
  const shares = (machine: PciMachine, address: string, bar: number): number =>
    machine.driver.barSharesPage(machine.indexOf(address), bar) >>> 0;

  test("of its own, or shared within the function only", () => {
    const machine = scanned((pci) => {
      pci.add("00:04.0").bar(0, 0x1000, 0xfeb0_1000).bar(1, 0x100, 0xfeb0_2000).bar(2, 0x100, 0xfeb0_2100);
      pci.add("00:05.0").bar(0, 0x1000, 0xfeb0_0000).bar(1, 0x1000, 0xfeb0_3000);
    });
    for (const bar of [0, 1, 2, 3, 6, 99]) expect(shares(machine, "00:04.0", bar)).toBe(NONE);
  });

  test("shared by two small BARs", () => {
    const machine = scanned((pci) => {
      pci.add("00:04.0").bar(0, 0x100, 0xfeb0_0000);
      pci.add("00:05.0").bar(1, 0x1000, 0xfea0_0000).bar(4, 0x100, 0xfeb0_0f00);
    });
    expect(shares(machine, "00:04.0", 0)).toBe(machine.indexOf("00:05.0"));
    expect(shares(machine, "00:05.0", 4)).toBe(machine.indexOf("00:04.0"));
    expect(shares(machine, "00:05.0", 1)).toBe(NONE);
  });

  test("shared by BARs that overlap, from either side", () => {
    const machine = scanned((pci) => {
      pci.add("00:04.0").bar(0, 0x10_0000, 0x40_0000_0000, WIDE);
      pci.add("00:05.0").bar(2, 0x1000, 0x40_000f_f000, WIDE);
    });
    expect(shares(machine, "00:04.0", 0)).toBe(machine.indexOf("00:05.0"));
    expect(shares(machine, "00:05.0", 2)).toBe(machine.indexOf("00:04.0"));
  });

  test("the upper half of a 64-bit BAR is not taken for a BAR of its own", () => {
    const machine = scanned((pci) => {
      pci.add("00:04.0").bar(0, 0x1000, 0xfeb0_0000);
      pci.add("00:05.0").bar(0, 0x1000, 0xfeb0_0000 * 2 ** 32, WIDE);
    });
    expect(shares(machine, "00:04.0", 0)).toBe(NONE);
  });

  test("I/O BARs and BARs without an address share none", () => {
    const machine = scanned((pci) => {
      pci.add("00:04.0").bar(0, 0x100, 0xc000, IO).bar(1, 0x1000, 0);
      pci.add("00:05.0").bar(0, 0x100, 0xc100, IO).bar(1, 0x1000, 0);
    });
    expect([shares(machine, "00:04.0", 0), shares(machine, "00:04.0", 1)]).toEqual([NONE, NONE]);
  });
});
