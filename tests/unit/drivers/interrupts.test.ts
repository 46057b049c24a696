import { beforeAll, describe, expect, test } from "vitest";
import * as acpi from "../machine/acpi-tables.ts";
import { compileFloor, FloorMachine } from "../machine/floor.ts";
import { IO_APIC, LOCAL_APIC } from "../machine/machine.ts";
import { enumReader } from "../machine/source-enums.ts";

const sendStatus = enumReader("drivers/local-apic.ts", "SendStatus");
const routeStatus = enumReader("drivers/io-apic.ts", "RouteStatus");
const MASKED = 1 << 16;

let module: WebAssembly.Module;
beforeAll(async () => {
  module = await compileFloor();
}, 120_000);

describe.each([false, true])("local APIC, x2APIC %s", (x2Apic) => {
  function enabled(apicId: number): FloorMachine {
    const machine = new FloorMachine(module, { x2Apic, apicId });
    machine.floor.enableLocalApic();
    return machine;
  }

  test("is enabled with its own sources masked", () => {
    const { processor, localApic, floor } = enabled(3);
    expect(processor.msrs.get(0x1b)).toBe(BigInt(LOCAL_APIC) | (x2Apic ? 0xd00n : 0x900n));
    expect(localApic.registers.get(0xf0)).toBe(0x1ff);
    for (const entry of [0x320, 0x330, 0x340, 0x350, 0x370]) expect(localApic.registers.get(entry)).toBe(MASKED);
    expect(localApic.registers.has(0x360)).toBe(false);
    expect(floor.identifier()).toBe(3);
    expect(floor.usesMsrs()).toBe(x2Apic ? 1 : 0);
  });

  test("sends INIT, SIPI and fixed interrupts, and ends interrupts", () => {
    const { floor, localApic } = enabled(0);
    expect([floor.sendInit(1), floor.sendStartup(1, 8), floor.sendFixed(2, 0xf0)]).toEqual([0, 0, 0]);
    expect(localApic.commands).toEqual([
      { apicId: 1, command: 0xc500 },
      { apicId: 1, command: 0x4608 },
      { apicId: 2, command: 0x40f0 },
    ]);
    floor.endOfInterrupt();
    expect(localApic.endsOfInterrupt).toBe(1);
  });
});

test("an xAPIC that does not send is not waited for for ever", () => {
  const machine = new FloorMachine(module);
  machine.floor.enableLocalApic();
  machine.localApic.stuck = true;
  expect(machine.floor.sendFixed(1, 0x40)).toBe(sendStatus("StillPending"));
});

describe("I/O APIC", () => {
  function routed(overrides: Buffer[]): FloorMachine {
    const machine = new FloorMachine(module);
    const madt = acpi.madt([acpi.ioApicEntry(IO_APIC, 0), ...overrides]);
    machine.floor.findTables(BigInt(acpi.placeTables(machine.memory, 0x7fe_0000, [madt])));
    expect(machine.floor.parseMadt(0)).toBe(0);
    machine.floor.maskAll();
    return machine;
  }

  test("all is masked, then one interrupt goes to one core", () => {
    const { floor, ioApic } = routed([]);
    for (let i = 0; i < 24; i++) expect(ioApic.entry(i).low).toBe(MASKED);
    expect(floor.routeIsa(4, 0x40, 2)).toBe(routeStatus("Done"));
    expect(ioApic.entry(4)).toEqual({ low: 0x40, high: 2 << 24 });
    expect(ioApic.entry(5).low).toBe(MASKED);
  });

  test("an override moves the interrupt and sets polarity and trigger mode", () => {
    const { floor, ioApic } = routed([acpi.interruptOverride(4, 20, 0xf)]);
    expect(floor.routeIsa(4, 0x40, 0)).toBe(routeStatus("Done"));
    expect(ioApic.entry(20).low).toBe(0x40 | (1 << 13) | (1 << 15));
    expect(ioApic.entry(4).low).toBe(MASKED);
  });

  test("what cannot be routed is said", () => {
    const { floor } = routed([acpi.interruptOverride(4, 99, 0)]);
    expect(floor.routeIsa(4, 0x40, 0)).toBe(routeStatus("NoSuchInterrupt"));
    expect(floor.routeIsa(5, 0x40, 256)).toBe(routeStatus("CoreUnreachable"));
  });
});

test("the PIC is moved off the exceptions and masked", () => {
  const machine = new FloorMachine(module);
  machine.floor.disablePic();
  const writes = (port: number): number[] => machine.ports.writes.filter((write) => write.port === port).map((write) => write.value);
  expect(writes(0x21)).toEqual([0x20, 0x04, 0x01, 0xff]);
  expect(writes(0xa1)).toEqual([0x28, 0x02, 0x01, 0xff]);
});
