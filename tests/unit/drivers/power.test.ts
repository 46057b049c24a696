import { beforeAll, describe, expect, test } from "vitest";
import * as acpi from "../machine/acpi-tables.ts";
import { compileFloor, FloorMachine } from "../machine/floor.ts";
import type { PortDevice } from "../machine/port-space.ts";

const PM1A = 0x604;
const PM1B = 0x704;
const SMI = 0xb2;
const TABLES = 0x7fe_0000;
const DSDT = 0x7fd_0000;
const RECORD = 0x90_0000n;

let module: WebAssembly.Module;
beforeAll(async () => {
  module = await compileFloor();
}, 120_000);

/** PM1 control register; SCI_EN as given. */
class Pm1Control implements PortDevice {
  value: number;

  constructor(sciEnabled: boolean) {
    this.value = sciEnabled ? 1 : 0;
  }

  read(): number {
    return this.value;
  }

  write(_offset: number, _size: number, value: number): void {
    this.value = value;
  }
}

interface Parts {
  withDebugConsole?: boolean;
  withS5?: boolean;
  smi?: number;
  sciEnabled?: boolean;
}

function prepared(parts: Parts): { machine: FloorMachine; methods: number; pm1a: Pm1Control; pm1b: Pm1Control } {
  const machine = new FloorMachine(module, { withDebugConsole: parts.withDebugConsole ?? false });
  const pm1a = new Pm1Control(parts.sciEnabled ?? true);
  const pm1b = new Pm1Control(true);
  machine.ports.add(PM1A, 2, pm1a);
  machine.ports.add(PM1B, 2, pm1b);
  if (parts.withS5 ?? true) machine.memory.writeBytes(DSDT, acpi.dsdtWithS5(5, 6));
  const fadt = acpi.fadt({ dsdt: DSDT, pm1a: PM1A, pm1b: PM1B, smiCommand: parts.smi ?? 0, acpiEnable: 0xa0 });
  machine.floor.findTables(BigInt(acpi.placeTables(machine.memory, TABLES, [fadt])));
  machine.floor.parseFadt();
  const methods = machine.floor.describePowerOff(RECORD);
  // After the seal the tables are out of reach.
  machine.memory.forbid(DSDT, 0x2_0000);
  return { machine, methods, pm1a, pm1b };
}

describe("power off", () => {
  test("S5 by both PM1 control registers, without the tables", () => {
    const { machine, methods, pm1a, pm1b } = prepared({});
    expect(methods).toBe(1);
    machine.floor.powerOffMachine(RECORD);
    expect(pm1a.value).toBe(1 | (5 << 10) | (1 << 13));
    expect(pm1b.value).toBe(1 | (6 << 10) | (1 << 13));
  });

  test("ACPI mode is asked for first where firmware has not entered it", () => {
    const { machine, pm1a } = prepared({ smi: SMI, sciEnabled: false });
    machine.ports.add(SMI, 1, { read: () => 0, write: (_offset, _size, value) => void (pm1a.value |= value === 0xa0 ? 1 : 0) });
    machine.floor.powerOffMachine(RECORD);
    expect(pm1a.value).toBe(1 | (5 << 10) | (1 << 13));
  });

  test("firmware that never enters ACPI mode is given up", () => {
    const { machine, pm1a } = prepared({ smi: SMI, sciEnabled: false });
    machine.floor.powerOffMachine(RECORD);
    expect(pm1a.value).toBe(0);
  });

  test("the emulators' ports are written only where the debug console tells an emulator", () => {
    const silent = prepared({ withS5: false }).machine;
    silent.floor.powerOffMachine(RECORD);
    expect(silent.ports.writes.filter(({ port }) => port === 0x8900 || port === 0xf4)).toEqual([]);

    const { machine, methods } = prepared({ withS5: false, withDebugConsole: true });
    expect(methods).toBe(6);
    machine.floor.powerOffMachine(RECORD);
    const text = machine.ports.writes.filter(({ port }) => port === 0x8900).map(({ value }) => String.fromCharCode(value));
    expect(text.join("")).toBe("Shutdown");
    expect(machine.ports.writes.at(-1)).toEqual({ port: 0xf4, size: 4, value: 0x10 });
  });
});
