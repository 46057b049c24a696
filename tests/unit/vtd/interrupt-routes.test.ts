// The kernel's own interrupts, from the pin of an I/O APIC or an HPET's message through a simulated unit.

import { beforeAll, describe, expect, test } from "vitest";
import { assemble, drhd, madeUp, type Structure } from "../drivers/dmar-table.ts";
import * as acpi from "../machine/acpi-tables.ts";
import { IoApic } from "../machine/devices.ts";
import { IO_APIC } from "../machine/machine.ts";
import { enumReader } from "../machine/source-enums.ts";
import { compileInterrupts, InterruptMachine, registersOf } from "./interrupt-machine.ts";

const routeStatus = enumReader("planner/drivers/io-apic.ts", "RouteStatus");

const HPET = 0xfed0_0000;
const COM1 = 4;
/** Source ids in the DMAR table. */
const SOURCE = { ioApic: 0xf0f8, second: 0xf1f9, hpet: 0xf078 } as const;
const SCOPES = { ioApic: "ioapic #8 f0:1f.0", second: "ioapic #9 f1:1f.1", hpet: "hpet #0 f0:f.0" } as const;
const BLOCKED_SOURCE = 0x26;

let module: WebAssembly.Module;
beforeAll(async () => {
  module = await compileInterrupts();
}, 120_000);

interface Platform {
  machine: InterruptMachine;
  second: IoApic;
}

/** Two I/O APICs (8 and 9, each 24 pins), an HPET and two units; `started` of them remap. */
function platform(structures: Structure[], started: number, overrides: Buffer[] = []): Platform {
  const machine = new InterruptMachine(module, [{}, {}]);
  const { kernel, memory } = machine;
  const second = new IoApic();
  memory.addDevice(IO_APIC + 0x1000, 0x1000, second);
  memory.write(HPET, 4, 0x8086_a001n);
  memory.write(HPET + 0x100, 4, 0x8030n);
  const tables = [
    acpi.madt([acpi.ioApicEntry(IO_APIC, 0, 8), acpi.ioApicEntry(IO_APIC + 0x1000, 24, 9), ...overrides]),
    acpi.hpet(HPET),
    assemble(madeUp(structures)),
  ];
  expect(kernel.findTables(BigInt(acpi.placeTables(memory, 0x7fe_0000, tables)))).toBe(0);
  expect(kernel.parseMadt(0)).toBe(0);
  kernel.maskAll();
  expect([kernel.parseDmar(), kernel.takeUnits()]).toEqual([1, 1]);
  for (let index = 0; index < started; index++) {
    const unit = kernel.unitAt(index);
    expect([kernel.startInvalidation(unit), kernel.createInterruptTable(unit), kernel.startInterruptRemapping(unit)]).toEqual([0, 1, 1]);
  }
  return { machine, second };
}

const BOTH = [drhd(registersOf(0), [SCOPES.hpet, SCOPES.ioApic]), drhd(registersOf(1), [SCOPES.second], { flags: 1 })];

/** Message of a redirection entry in remappable format, VT-d 4.1 5.1.5.1. */
function pinMessage(ioApic: IoApic, pin: number): { address: number; data: number; vector: number } {
  const { low, high } = ioApic.entry(pin);
  expect(high & (1 << 16)).not.toBe(0);
  expect(low & (1 << 16)).toBe(0);
  const index = (high >>> 17) | ((low & 0x800) << 4);
  return { address: (0xfee0_0010 | ((index & 0x7fff) << 5) | ((index >> 15) << 2)) >>> 0, data: 0, vector: low & 0xff };
}

describe("ISA interrupts", () => {
  test("arrive through an entry for the I/O APIC's source id alone, with the vector of the pin", () => {
    const { machine } = platform(BOTH, 2);
    expect(machine.kernel.routeKernelInterrupt(COM1, 0x40, 3)).toBe(routeStatus("Done"));
    const { address, data, vector } = pinMessage(machine.ioApic, COM1);
    expect(machine.units[0]!.message(SOURCE.ioApic, address, data)).toEqual({ vector, destination: 3 });
    expect(vector).toBe(0x40);
    for (const source of [SOURCE.second, SOURCE.hpet, 0]) {
      expect(machine.units[0]!.message(source, address, data)).toMatchObject({ blocked: BLOCKED_SOURCE });
    }
  });

  test("each has an entry of its own", () => {
    const { machine } = platform(BOTH, 2);
    machine.kernel.routeKernelInterrupt(COM1, 0x40, 3);
    machine.kernel.routeKernelInterrupt(8, 0x41, 2);
    const [first, other] = [pinMessage(machine.ioApic, COM1), pinMessage(machine.ioApic, 8)];
    expect(machine.units[0]!.message(SOURCE.ioApic, first.address, first.data)).toEqual({ vector: 0x40, destination: 3 });
    expect(machine.units[0]!.message(SOURCE.ioApic, other.address, other.data)).toEqual({ vector: 0x41, destination: 2 });
  });

  test("a pin of the second I/O APIC goes through the unit that names it; level mode stands in pin and entry", () => {
    const { machine, second } = platform(BOTH, 2, [acpi.interruptOverride(COM1, 25, 0xf)]);
    expect(machine.kernel.routeKernelInterrupt(COM1, 0x40, 3)).toBe(routeStatus("Done"));
    const { address, data } = pinMessage(second, 1);
    expect(second.entry(1).low & 0xa000).toBe(0xa000);
    expect(machine.units[1]!.message(SOURCE.second, address, data)).toEqual({ vector: 0x40, destination: 3 });
    const table = Number(machine.kernel.tableOf(machine.kernel.unitAt(1)));
    expect(machine.memory.read(table, 8) & 0x10n).toBe(0x10n);
  });

  test.each([
    ["no unit remaps", 0, 4, []],
    ["the unit of its I/O APIC does not", 1, 25, [acpi.interruptOverride(COM1, 25, 0)]],
  ])("keep compatibility format where %s", (_what, started, gsi, overrides) => {
    const { machine, second } = platform(BOTH, started, overrides);
    expect(machine.kernel.routeKernelInterrupt(COM1, 0x40, 3)).toBe(routeStatus("Done"));
    const entry = gsi < 24 ? machine.ioApic.entry(gsi) : second.entry(gsi - 24);
    expect(entry).toEqual({ low: 0x40, high: 3 << 24 });
  });

  test("what cannot be routed is said, and the pin stays masked", () => {
    const outcomes = (structures: Structure[], apicId: number, overrides: Buffer[] = []): number => {
      const { machine } = platform(structures, 2, overrides);
      const status = machine.kernel.routeKernelInterrupt(COM1, 0x40, apicId);
      expect(machine.ioApic.entry(COM1).low).toBe(1 << 16);
      return status;
    };
    expect(outcomes([drhd(registersOf(0)), drhd(registersOf(1), [SCOPES.second], { flags: 1 })], 3)).toBe(routeStatus("SourceUnknown"));
    expect(outcomes(BOTH, 0x100)).toBe(routeStatus("CoreUnreachable"));
    expect(outcomes(BOTH, 3, [acpi.interruptOverride(COM1, 99, 0)])).toBe(routeStatus("NoSuchInterrupt"));
  });

  test("a path through a bridge that is not there names no source", () => {
    const { machine } = platform([drhd(registersOf(0), ["ioapic #8 0:1e.0/1f.0"]), drhd(registersOf(1), [SCOPES.second], { flags: 1 })], 2);
    expect(machine.kernel.routeKernelInterrupt(COM1, 0x40, 3)).toBe(routeStatus("SourceUnknown"));
  });

  test("a full table, and a unit that does not invalidate, are said", () => {
    const full = platform(BOTH, 2).machine;
    full.kernel.allocateEntries(full.kernel.unitAt(0), 256);
    expect(full.kernel.routeKernelInterrupt(COM1, 0x40, 3)).toBe(routeStatus("TableFull"));
    const broken = platform(BOTH, 2).machine;
    broken.unit.queue.injected.push({ kind: "hang", times: 4 });
    expect(broken.kernel.routeKernelInterrupt(COM1, 0x40, 3)).toBe(routeStatus("EntryRefused"));
    for (const machine of [full, broken]) expect(machine.ioApic.entry(COM1).low).toBe(1 << 16);
  });
});

describe("HPET", () => {
  const COMPARATOR = HPET + 0x100;

  test("nothing is entered by itself: its messages are blocked", () => {
    const { machine } = platform(BOTH, 2);
    expect(machine.message(SOURCE.hpet, 0)).toMatchObject({ blocked: 0x22 });
    expect(machine.unit.message(SOURCE.hpet, 0xfee0_0000, 0x50)).toMatchObject({ blocked: 0x25 });
  });

  test("a comparator's message arrives from the HPET's source id alone", () => {
    const { machine } = platform(BOTH, 2);
    expect(machine.kernel.routeHpet(0, 0x50, 1)).toBe(routeStatus("Done"));
    const data = Number(machine.memory.read(COMPARATOR + 0x10, 4));
    const address = Number(machine.memory.read(COMPARATOR + 0x14, 4));
    expect(machine.unit.message(SOURCE.hpet, address, data)).toEqual({ vector: 0x50, destination: 1 });
    expect(machine.unit.message(SOURCE.ioApic, address, data)).toMatchObject({ blocked: BLOCKED_SOURCE });
  });

  test("refusals leave the comparator as it was and no entry behind", () => {
    const { machine } = platform(BOTH, 2);
    expect(machine.kernel.routeHpet(1, 0x50, 1)).toBe(routeStatus("NoSuchInterrupt"));
    expect(machine.message(SOURCE.hpet, 0)).toMatchObject({ blocked: 0x22 });
    expect(platform(BOTH, 0).machine.kernel.routeHpet(0, 0x50, 1)).toBe(routeStatus("SourceUnknown"));
    const unnamed = platform([drhd(registersOf(0), [SCOPES.ioApic]), drhd(registersOf(1), [], { flags: 1 })], 2).machine;
    expect(unnamed.kernel.routeHpet(0, 0x50, 1)).toBe(routeStatus("SourceUnknown"));
    expect(unnamed.memory.read(COMPARATOR, 4)).toBe(0x8030n);
    const far = platform(BOTH, 2).machine;
    expect(far.kernel.routeHpet(0, 0x50, 0xff)).toBe(routeStatus("CoreUnreachable"));
    expect(far.memory.read(COMPARATOR, 4)).toBe(0x8030n);
  });
});
