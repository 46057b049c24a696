import { beforeAll, describe, expect, test } from "vitest";
import { acpiTable } from "../machine/acpi-tables.ts";
import { compileDmar, DmarMachine } from "./dmar-machine.ts";

/** Why an MCFG table is not used. */
const REFUSALS = {
  Done: "",
  TableMalformed: "wrong length or checksum of the MCFG table",
  EntryTruncated: "the MCFG table ends within an entry",
  AddressMalformed: "an MCFG address is 0, not on a MiB or above 52 bits",
  BusesMalformed: "an MCFG entry ends before its first bus",
  Overlap: "two MCFG entries overlap",
  TooMany: "more than 64 MCFG entries",
};
type Refusal = keyof typeof REFUSALS;

interface Entry {
  address: bigint;
  segment?: number;
  first?: number;
  last?: number;
}

let module: WebAssembly.Module;
beforeAll(async () => {
  module = await compileDmar();
}, 120_000);

function mcfg(entries: Entry[], rest = 0): Buffer {
  const body = Buffer.alloc(8 + 16 * entries.length + rest);
  entries.forEach(({ address, segment = 0, first = 0, last = 255 }, i) => {
    body.writeBigUInt64LE(address, 8 + 16 * i);
    body.writeUInt16LE(segment, 16 + 16 * i);
    body.set([first, last], 18 + 16 * i);
  });
  return acpiTable("MCFG", body);
}

function parsed(table: Buffer, expected: Refusal): DmarMachine {
  const machine = new DmarMachine(module);
  machine.place(mcfg([{ address: 0xe000_0000n }]));
  expect(machine.parseMcfg()).toBe("");
  machine.place(table);
  expect(machine.parseMcfg()).toBe(REFUSALS[expected]);
  return machine;
}

function ranges({ parser }: DmarMachine): number[][] {
  return Array.from({ length: parser.segmentCount() }, (_, i) => [parser.segmentNumber(i), parser.segmentFirstBus(i), parser.segmentLastBus(i)]);
}

describe("configuration space in memory", () => {
  test("one segment, as 721 of 721 tables in github.com/linuxhw/ACPI have it", () => {
    const machine = parsed(mcfg([{ address: 0xf800_0000n, last: 63 }]), "Done");
    expect(ranges(machine)).toEqual([[0, 0, 63]]);
    expect(machine.parser.ecamAddress(0, 0)).toBe(0xf800_0000n);
    expect(machine.parser.ecamAddress(0, 63)).toBe(0xfbf0_0000n);
    expect([machine.parser.ecamAddress(0, 64), machine.parser.ecamAddress(1, 0)]).toEqual([0n, 0n]);
  });

  test("several segments and ranges; the address is that of bus 0 even where the range starts later", () => {
    const high = 0x20_0000_0000n;
    const machine = parsed(mcfg([
      { address: 0x8000_0000n, last: 0x7f }, { address: high, segment: 1 },
      { address: 0x9000_0000n, first: 0x80, last: 0x80 }, { address: high + 0x1000_0000n, segment: 0xffff },
    ]), "Done");
    expect(ranges(machine)).toEqual([[0, 0, 0x7f], [1, 0, 255], [0, 0x80, 0x80], [0xffff, 0, 255]]);
    expect(machine.parser.ecamAddress(0, 0x7f)).toBe(0x87f0_0000n);
    expect(machine.parser.ecamAddress(0, 0x80)).toBe(0x9800_0000n);
    expect(machine.parser.ecamAddress(0, 0x81)).toBe(0n);
    expect(machine.parser.ecamAddress(1, 255)).toBe(high + 0xff0_0000n);
    expect(machine.parser.ecamAddress(0xffff, 1)).toBe(high + 0x1010_0000n);
  });

  test("a table without entries, and the last address there is", () => {
    expect(ranges(parsed(mcfg([]), "Done"))).toEqual([]);
    const machine = parsed(mcfg([{ address: 0xf_ffff_f000_0000n }]), "Done");
    expect(machine.parser.ecamAddress(0, 255)).toBe(0xf_ffff_fff0_0000n);
  });

  test("64 entries fit, one more does not", () => {
    const entries = (count: number): Entry[] => Array.from({ length: count }, (_, i) => ({ address: 0x1_0000_0000n * BigInt(i + 1), segment: i }));
    expect(parsed(mcfg(entries(64)), "Done").parser.segmentCount()).toBe(64);
    expect(parsed(mcfg(entries(65)), "TooMany").parser.segmentCount()).toBe(0);
  });
});

describe("refused", () => {
  const good: Entry = { address: 0xe000_0000n, last: 15 };

  function broken(): Buffer {
    const table = mcfg([good]);
    table[50]!++;
    return table;
  }

  test.each<[string, Buffer, Refusal]>([
    ["no table", acpiTable("APIC", Buffer.alloc(8)), "Done"],
    ["a wrong checksum", broken(), "TableMalformed"],
    ["a table shorter than its header", acpiTable("MCFG", Buffer.alloc(7)), "EntryTruncated"],
    ["one byte of an entry", mcfg([good], 1), "EntryTruncated"],
    ["fifteen bytes of an entry", mcfg([good], 15), "EntryTruncated"],
    ["address 0", mcfg([good, { address: 0n, segment: 1 }]), "AddressMalformed"],
    ["an address not on a MiB", mcfg([good, { address: 0xf008_0000n, segment: 1 }]), "AddressMalformed"],
    ["buses above 52 bits", mcfg([good, { address: 0xf_ffff_f010_0000n, segment: 1 }]), "AddressMalformed"],
    ["an address that wraps around", mcfg([good, { address: 0xffff_ffff_fff0_0000n, segment: 1 }]), "AddressMalformed"],
    ["a last bus below the first", mcfg([good, { address: 0xf000_0000n, first: 17, last: 16 }]), "BusesMalformed"],
    ["a bus twice", mcfg([good, { address: 0x8000_0000n, first: 15, last: 20 }]), "Overlap"],
    ["memory twice", mcfg([good, { address: 0xe0f0_0000n, segment: 1 }]), "Overlap"],
    ["the same entry twice", mcfg([good, good]), "Overlap"],
  ])("%s: no bus is known afterwards", (_what, table, reason) => {
    const { parser } = parsed(table, reason);
    expect(parser.segmentCount()).toBe(0);
    expect(parser.ecamAddress(0, 0)).toBe(0n);
  });
});
