import { beforeAll, describe, expect, test, vi } from "vitest";
import * as acpi from "../machine/acpi-tables.ts";
import { IoApic } from "../machine/devices.ts";
import { compileFloor, FloorMachine } from "../machine/floor.ts";
import { IO_APIC, LOCAL_APIC } from "../machine/machine.ts";
import { enumReader } from "../machine/source-enums.ts";

const sendStatus = enumReader("drivers/local-apic.ts", "SendStatus");
const routeStatus = enumReader("planner/drivers/io-apic.ts", "RouteStatus");
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

  test.each([
    [0, 0x40, 0x0001_0000],
    [3, 0x40, 0x0007_0000],
    [0x7fff, 0x40, 0xffff_0000],
    [0x8001, 0x840, 0x0003_0000],
  ])("an interrupt goes by way of remapping entry %i", (index, low, high) => {
    const { floor, ioApic } = routed([]);
    expect(floor.routeIsaRemapped(4, 0x40, index)).toBe(routeStatus("Done"));
    expect(ioApic.entry(4)).toEqual({ low, high });
    expect(ioApic.entry(5).low).toBe(MASKED);
  });

  test("a remapped interrupt keeps polarity and trigger mode, which its remapping entry must share", () => {
    const { floor, ioApic } = routed([acpi.interruptOverride(4, 20, 0xf), acpi.interruptOverride(3, 3, 0x5)]);
    expect(floor.routeIsaRemapped(4, 0x40, 2)).toBe(routeStatus("Done"));
    expect(ioApic.entry(20)).toEqual({ low: 0x40 | (1 << 13) | (1 << 15), high: (2 << 17) | (1 << 16) });
    expect([4, 3, 5].map((irq) => floor.isaIsLevel(irq))).toEqual([1, 0, 0]);
  });

  test("an entry in use is masked while its halves are replaced", () => {
    const { floor, ioApic } = routed([]);
    floor.routeIsa(4, 0x40, 2);
    const write = vi.spyOn(ioApic, "write");
    floor.routeIsaRemapped(4, 0x41, 1);
    const values = write.mock.calls.filter(([offset]) => offset === 0x10).map(([, , value]) => value);
    expect(values).toEqual([BigInt(MASKED), 0x3_0000n, 0x41n]);
  });

  test("of several I/O APICs the one with the interrupt's pin is taken, and each has its identifier", () => {
    const second = new IoApic();
    const machine = new FloorMachine(module);
    machine.memory.addDevice(IO_APIC + 0x1000, 0x1000, second);
    const madt = acpi.madt([acpi.ioApicEntry(IO_APIC, 0, 8), acpi.ioApicEntry(IO_APIC + 0x1000, 24, 9), acpi.interruptOverride(4, 25, 0)]);
    machine.floor.findTables(BigInt(acpi.placeTables(machine.memory, 0x7fe_0000, [madt])));
    expect(machine.floor.parseMadt(0)).toBe(0);
    expect([machine.floor.ioApicIdentifier(0), machine.floor.ioApicIdentifier(1)]).toEqual([8, 9]);
    expect(machine.floor.routeIsaRemapped(4, 0x40, 1)).toBe(routeStatus("Done"));
    expect(second.entry(1)).toEqual({ low: 0x40, high: 0x3_0000 });
    expect(machine.ioApic.entry(4)).toEqual({ low: 0, high: 0 });
  });

  test("what cannot be routed is said", () => {
    const { floor } = routed([acpi.interruptOverride(4, 99, 0)]);
    expect(floor.routeIsa(4, 0x40, 0)).toBe(routeStatus("NoSuchInterrupt"));
    expect(floor.routeIsa(5, 0x40, 256)).toBe(routeStatus("CoreUnreachable"));
    expect(floor.routeIsaRemapped(4, 0x40, 0)).toBe(routeStatus("NoSuchInterrupt"));
  });
});

describe("HPET comparators", () => {
  const HPET = 0xfed0_0000;

  /** Three comparators, of which number 1 cannot send messages. */
  function withHpet(): FloorMachine {
    const machine = new FloorMachine(module);
    machine.memory.write(HPET, 4, 0x8086_a201n);
    for (const [comparator, capabilities] of [[0, 0x8036], [1, 0x0030], [2, 0x8030]] as const) {
      machine.memory.write(HPET + 0x100 + 0x20 * comparator, 4, BigInt(capabilities));
    }
    machine.floor.findTables(BigInt(acpi.placeTables(machine.memory, 0x7fe_0000, [acpi.hpet(HPET, 5)])));
    return machine;
  }

  test("a comparator gets its message, edge triggered, and stays off", () => {
    const { floor, memory } = withHpet();
    expect(floor.routeComparator(0, 0xfee0_0030, 0x51)).toBe(1);
    expect(memory.read(HPET + 0x100, 4)).toBe(0xc030n);
    expect(memory.read(HPET + 0x110, 8)).toBe(0xfee0_0030_0000_0051n);
    expect(memory.read(HPET + 0x140, 4)).toBe(0x8030n);
  });

  test("the HPET has the number of its table", () => {
    expect(withHpet().floor.hpetNumber()).toBe(5);
    expect(new FloorMachine(module).floor.hpetNumber()).toBe(0);
  });

  test("without messages, comparator or HPET nothing is written", () => {
    const { floor, memory } = withHpet();
    expect(floor.routeComparator(1, 0xfee0_0030, 0x51)).toBe(0);
    expect(memory.read(HPET + 0x120, 4)).toBe(0x30n);
    expect(floor.routeComparator(3, 0xfee0_0030, 0x51)).toBe(0);
    expect(memory.read(HPET + 0x170, 8)).toBe(0n);
    expect(new FloorMachine(module).floor.routeComparator(0, 0xfee0_0030, 0x51)).toBe(0);
  });
});

test("the PIC is moved off the exceptions and masked", () => {
  const machine = new FloorMachine(module);
  machine.floor.disablePic();
  const writes = (port: number): number[] => machine.ports.writes.filter((write) => write.port === port).map((write) => write.value);
  expect(writes(0x21)).toEqual([0x20, 0x04, 0x01, 0xff]);
  expect(writes(0xa1)).toEqual([0x28, 0x02, 0x01, 0xff]);
});
