// The machine's own local APICs in both modes: how core 0 starts the others, and who reaches the registers behind the seal.

import { beforeAll, describe, expect, test } from "vitest";
import { LOCAL_APIC } from "../machine/machine.ts";
import { leafAt } from "../machine/page-walker.ts";
import { enumReader } from "../machine/source-enums.ts";
import { readProfile, type Profile } from "./capabilities.ts";
import { tablesOf } from "./device-cores.ts";
import { compileKernel, KernelMachine, type KernelModules } from "./kernel-machine.ts";

const fixed = enumReader("kernel/memory/layout.ts", "Fixed");
const REGISTERS = 0xffff_8000_0000_0000n + BigInt(LOCAL_APIC);
/** Page-table entry bits R/W, PWT and PCD (SDM 3A 4.5). */
const WRITABLE = 1n << 1n;
const UNCACHED = 3n << 3n;
const INIT = 0xc500;
const STARTUP = 0x4600;
const DELIVERY = 0xff00;

/** CPUID.1:ECX, which the recorded processor has. */
const X2APIC_BIT = 1 << 21;

let module: KernelModules;

beforeAll(async () => {
  module = await compileKernel();
}, 120_000);

function profile(x2Apic: boolean): Profile {
  const recorded = readProfile();
  if (!x2Apic) recorded.cpuid.get("0x1")![2]! &= ~X2APIC_BIT;
  return recorded;
}

describe.each([false, true])("x2APIC %s", (x2Apic) => {
  const setUp = { cores: 2, partitions: [{}, {}], profile: profile(x2Apic) };
  let machine: KernelMachine;

  beforeAll(() => {
    machine = new KernelMachine(module, setUp, { x2Apic });
    expect(machine.boot(), machine.debugConsole.output).toBe("enterGuest");
  });

  test("core 0 starts core 1 by INIT and startup interrupts", () => {
    const commands = machine.localApic.commands.filter(({ apicId }) => apicId === 1).map(({ command }) => command & DELIVERY);
    expect(commands.slice(0, 2)).toEqual([INIT, STARTUP]);
  });

  test(`the registers are ${x2Apic ? "in no core's page tables" : "in each core's page tables, uncached"}`, () => {
    for (const core of [0, 1]) {
      const entry = leafAt(tablesOf(machine, core), REGISTERS)?.entry;
      if (x2Apic) expect(entry).toBeUndefined();
      else expect(entry! & (WRITABLE | UNCACHED)).toBe(WRITABLE | UNCACHED);
    }
  });

  test("core 1 comes up in the same mode", () => {
    const second = new KernelMachine(module, setUp, { coreId: 1, apicId: 1, memory: machine.memory, clock: machine.clock, x2Apic });
    second.view.setBigUint64(fixed("Plan"), machine.plan, true);
    machine.localApic.id = 1; // in xAPIC mode both cores read the one at LOCAL_APIC
    expect(second.run(() => second.kernel.bootApplication())).toBe("enterGuest");
    expect(second.processor.msrs.get(0x1b)! & 0xc00n).toBe(x2Apic ? 0xc00n : 0x800n);
  });
});
