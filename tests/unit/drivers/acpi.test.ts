import { beforeAll, describe, expect, test } from "vitest";
import * as acpi from "../machine/acpi-tables.ts";
import { compileFloor, FloorMachine } from "../machine/floor.ts";
import { enumReader, readConstants } from "../machine/source-enums.ts";

const status = enumReader("planner/drivers/acpi/tables.ts", "AcpiStatus");
const MADT = Number(readConstants("planner/drivers/acpi/madt.ts").get("MADT"));
const BASE = 0x7fe_0000;

let module: WebAssembly.Module;
beforeAll(async () => {
  module = await compileFloor();
}, 120_000);

function withTables(...tables: Buffer[]): FloorMachine {
  const machine = new FloorMachine(module);
  expect(machine.floor.findTables(BigInt(acpi.placeTables(machine.memory, BASE, tables)))).toBe(status("Done"));
  return machine;
}

describe("RSDP and root table", () => {
  const table = acpi.madt([]);

  function place(machine: FloorMachine, at: number, root: Buffer, rootAt: number): void {
    machine.memory.writeBytes(at, root);
    machine.memory.writeBytes(rootAt, table);
  }

  test("ACPI 1.0: RSDT", () => {
    const machine = new FloorMachine(module);
    machine.memory.writeBytes(0xf_0000, acpi.rsdp(0, BASE, 0));
    place(machine, BASE, acpi.rsdt([BASE + 0x1000]), BASE + 0x1000);
    expect(machine.floor.findTables(0xf_0000n)).toBe(status("Done"));
    expect(machine.floor.findTable(MADT)).toBe(BigInt(BASE + 0x1000));
  });

  test("ACPI 2.0: the XSDT is preferred and may lie above 4 GiB", () => {
    const machine = new FloorMachine(module);
    const high = 0x12_3450_0000;
    machine.memory.writeBytes(0xf_0000, acpi.rsdp(2, BASE, high));
    place(machine, BASE, acpi.rsdt([]), BASE + 0x1000);
    place(machine, high, acpi.xsdt([high + 0x1000]), high + 0x1000);
    expect(machine.floor.findTables(0xf_0000n)).toBe(status("Done"));
    expect(machine.floor.tableCount()).toBe(1);
    expect(machine.floor.findTable(MADT)).toBe(BigInt(high + 0x1000));
  });

  test("a malformed XSDT falls back to the RSDT", () => {
    const machine = new FloorMachine(module);
    machine.memory.writeBytes(0xf_0000, acpi.rsdp(2, BASE, BASE + 0x800));
    const broken = acpi.xsdt([1]);
    broken[9]!++;
    place(machine, BASE + 0x800, broken, BASE + 0x1000);
    place(machine, BASE, acpi.rsdt([BASE + 0x1000]), BASE + 0x1000);
    expect(machine.floor.findTables(0xf_0000n)).toBe(status("Done"));
    expect(machine.floor.findTable(MADT)).toBe(BigInt(BASE + 0x1000));
  });

  test("an RSDP of 2.0 with a wrong extended checksum is read as 1.0", () => {
    const machine = new FloorMachine(module);
    const broken = acpi.rsdp(2, BASE, BASE + 0x800);
    broken[33]!++;
    machine.memory.writeBytes(0xf_0000, broken);
    place(machine, BASE, acpi.rsdt([BASE + 0x1000]), BASE + 0x1000);
    expect(machine.floor.findTables(0xf_0000n)).toBe(status("Done"));
    expect(machine.floor.tableCount()).toBe(1);
  });

  test("refusals name what is wrong", () => {
    const machine = new FloorMachine(module);
    const at = (bytes: Buffer): number => {
      machine.memory.writeBytes(0xf_0000, bytes);
      return machine.floor.findTables(0xf_0000n);
    };
    expect(machine.floor.findTables(0n)).toBe(status("RsdpMissing"));
    expect(at(Buffer.alloc(36))).toBe(status("RsdpMissing"));
    const wrong = acpi.rsdp(0, BASE, 0);
    wrong[8]!++;
    expect(at(wrong)).toBe(status("RsdpChecksum"));
    expect(at(acpi.rsdp(2, 0, 0))).toBe(status("RootMissing"));
    expect(at(acpi.rsdp(2, BASE, BASE))).toBe(status("RootMalformed"));
    expect(machine.floor.tableCount()).toBe(0);
  });

  test("the search finds the RSDP in the EBDA and in the BIOS area, and only with a good checksum", () => {
    const machine = new FloorMachine(module);
    expect(machine.floor.findRsdp()).toBe(0n);
    const wrong = acpi.rsdp(0, BASE, 0);
    wrong[8]!++;
    machine.memory.writeBytes(0xe_0010, wrong);
    machine.memory.writeBytes(0xf_ffe0, acpi.rsdp(0, BASE, 0));
    expect(machine.floor.findRsdp()).toBe(0xf_ffe0n);
    machine.memory.write(0x40e, 2, 0x9fc0n);
    machine.memory.writeBytes(0x9_fff0, acpi.rsdp(0, BASE, 0));
    expect(machine.floor.findRsdp()).toBe(0x9_fff0n);
  });

  test.each([
    ["checksum", (bytes: Buffer) => void bytes[10]!++],
    ["length too small", (bytes: Buffer) => void bytes.writeUInt32LE(35, 4)],
    ["length too large", (bytes: Buffer) => void bytes.writeUInt32LE(0xffff_ffff, 4)],
  ])("a table with a wrong %s counts as malformed, not as missing", (_what, damage) => {
    const bytes = acpi.madt([]);
    damage(bytes);
    const { floor } = withTables(bytes);
    expect(floor.findTable(MADT)).toBe(0n);
    expect(floor.tableStatus(MADT)).toBe(status("TableMalformed"));
    expect(floor.parseMadt(0)).toBe(status("TableMalformed"));
  });

  test("a missing table", () => {
    expect(withTables().floor.parseMadt(0)).toBe(status("TableMissing"));
    expect(withTables().floor.parseFadt()).toBe(status("TableMissing"));
  });
});

describe("MADT", () => {
  test("the boot core comes first, disabled and repeated cores are left out", () => {
    const { floor } = withTables(
      acpi.madt([acpi.localApic(0), acpi.localApic(2), acpi.localApic(4, false), acpi.localApic(6), acpi.localApic(255), acpi.localX2Apic(6), acpi.localX2Apic(0x123)]),
    );
    expect(floor.parseMadt(2)).toBe(status("Done"));
    expect(Array.from({ length: floor.coreCount() }, (_, i) => floor.coreApicId(i))).toEqual([2, 0, 6, 0x123]);
    expect(floor.coresIgnored()).toBe(0);
  });

  test("I/O APICs and ISA overrides", () => {
    const { floor } = withTables(
      acpi.madt([
        acpi.ioApicEntry(0xfec0_0000, 0), acpi.ioApicEntry(0xfec0_1000, 24),
        acpi.interruptOverride(0, 2, 0), acpi.interruptOverride(9, 9, 0xd), acpi.interruptOverride(200, 1, 0),
      ]),
    );
    expect(floor.parseMadt(0)).toBe(status("Done"));
    expect([0, 1].map((i) => [floor.ioApicAddress(i), floor.ioApicBase(i)])).toEqual([[0xfec0_0000n, 0], [0xfec0_1000n, 24]]);
    expect(floor.ioApicCount()).toBe(2);
    expect(floor.interruptOverride(0)).toBe(2);
    expect(floor.interruptOverride(4)).toBe(4);
    expect(floor.interruptFlags(9)).toBe(0xd);
    expect(floor.interruptFlags(4)).toBe(0);
  });

  test("more cores than the table holds are counted", () => {
    const { floor } = withTables(acpi.madt(Array.from({ length: 70 }, (_, i) => acpi.localX2Apic(i))));
    expect(floor.parseMadt(0)).toBe(status("Done"));
    expect(floor.coreCount()).toBe(64);
    expect(floor.coresIgnored()).toBe(6);
  });

  test.each([
    ["a structure of no length", Buffer.from([0, 0])],
    ["a structure that leaves the table", Buffer.from([0, 9, 0, 0, 1, 0, 0, 0])],
    ["a local APIC that is too short", Buffer.from([0, 4, 0, 0])],
    ["an I/O APIC that is too short", Buffer.from([1, 8, 0, 0, 0, 0, 0, 0])],
    ["an override that is too short", Buffer.from([2, 4, 0, 0])],
    ["a local x2APIC that is too short", Buffer.from([9, 4, 0, 0])],
  ])("%s is refused", (_what, structure) => {
    expect(withTables(acpi.madt([structure])).floor.parseMadt(0)).toBe(status("TableMalformed"));
  });
});

describe("FADT, HPET and \\_S5", () => {
  test("ports of ACPI 1.0", () => {
    const { floor } = withTables(acpi.fadt({ dsdt: 0x1234, pmTimer: 0xb008, pm1a: 0xb004, pm1b: 0xc004 }));
    expect(floor.parseFadt()).toBe(status("Done"));
    expect([floor.pmTimerPort(), floor.pm1aControlPort(), floor.pm1bControlPort()]).toEqual([0xb008, 0xb004, 0xc004]);
    expect(floor.pmTimerHas32Bits()).toBe(0);
    expect(floor.dsdtAddress()).toBe(0x1234n);
  });

  test("extended fields win, but only with an address in I/O space", () => {
    const fields = { dsdt: 0x1234, pmTimer: 0xb008, pm1a: 0xb004, timer32: true };
    const { floor } = withTables(acpi.fadt({ ...fields, extended: { dsdt: 0x1_0000_5678, pmTimer: 0x608 } }));
    expect(floor.parseFadt()).toBe(status("Done"));
    expect([floor.pmTimerPort(), floor.pm1aControlPort()]).toEqual([0x608, 0xb004]);
    expect(floor.dsdtAddress()).toBe(0x1_0000_5678n);
    expect(floor.pmTimerHas32Bits()).toBe(1);
    const memory = withTables(acpi.fadt({ ...fields, extended: { pmTimer: 0x608, space: 0 } })).floor;
    expect(memory.parseFadt()).toBe(status("Done"));
    expect(memory.pmTimerPort()).toBe(0xb008);
  });

  test("a FADT that is too short is refused, and nothing of it is used", () => {
    const { floor } = withTables(acpi.acpiTable("FACP", Buffer.alloc(79)));
    expect(floor.parseFadt()).toBe(status("TableMalformed"));
    expect([floor.pmTimerPort(), floor.pm1aControlPort(), floor.pmTimerHas32Bits()]).toEqual([0, 0, 0]);
    expect(floor.dsdtAddress()).toBe(0n);
  });

  test("HPET address", () => {
    expect(withTables(acpi.hpet(0xfed0_0000)).floor.hpetAddress()).toBe(0xfed0_0000n);
    expect(withTables().floor.hpetAddress()).toBe(0n);
  });

  test.each([
    [5, 5, false],
    [0, 0, false],
    [1, 0, true],
    [7, 3, true],
  ])("sleep types %d and %d, root prefix %s", (a, b, withRoot) => {
    const machine = new FloorMachine(module);
    const dsdt = 0x7fd_0000;
    machine.memory.writeBytes(dsdt, acpi.dsdtWithS5(a, b, withRoot));
    machine.floor.findTables(BigInt(acpi.placeTables(machine.memory, BASE, [acpi.fadt({ dsdt })])));
    expect(machine.floor.parseFadt()).toBe(status("Done"));
    expect(machine.floor.findSleepState()).toBe(1);
    expect([machine.floor.s5TypeA(), machine.floor.s5TypeB()]).toEqual([a, b]);
  });

  test("no \\_S5, or a DSDT with a wrong checksum", () => {
    const machine = new FloorMachine(module);
    const dsdt = 0x7fd_0000;
    machine.memory.writeBytes(dsdt, acpi.acpiTable("DSDT", Buffer.from("no such name here")));
    machine.floor.findTables(BigInt(acpi.placeTables(machine.memory, BASE, [acpi.fadt({ dsdt })])));
    machine.floor.parseFadt();
    expect(machine.floor.findSleepState()).toBe(0);
    const wrong = acpi.dsdtWithS5(5, 5);
    wrong[9]!++;
    machine.memory.writeBytes(dsdt, wrong);
    expect(machine.floor.findSleepState()).toBe(0);
  });
});
