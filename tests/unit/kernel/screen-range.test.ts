// Who reaches the screen behind the seal: core 0 alone, and not even core 0 where a partition owns the device behind it.

import { beforeAll, describe, expect, test } from "vitest";
import { framebufferTag, type ScreenShape } from "../console/screen.ts";
import { tag } from "../machine/boot-information.ts";
import { leafAt } from "../machine/page-walker.ts";
import { EXPRESS_TYPE, express, msi } from "../machine/pci-capabilities.ts";
import type { SimulatedPci } from "../machine/pci.ts";
import { DISK_BAR, startedWithDevices, type DeviceMachine } from "./assignment-machine.ts";
import { tablesOf } from "./device-cores.ts";
import { compileKernel } from "./kernel-machine.ts";

const DIRECT_BASE = 0xffff_8000_0000_0000n;
const WRITABLE = 1n << 1n;
const PAGE = 4096;
const SCREEN: ScreenShape = { address: 0xd000_0000, pitch: 4096, width: 1024, height: 768, bits: 32, type: 1 };
const TEXT: ScreenShape = { address: 0xb_8000, pitch: 160, width: 80, height: 25, bits: 16, type: 2 };
const GONE = "the screen belongs to a partition's device and is no console any more";
const DISPLAY = "00:07.0";

beforeAll(async () => {
  await compileKernel();
}, 120_000);

/** Two cores; core 1's partition owns the device `owned`. */
function start(shape: ScreenShape, owned: string, pci?: (pci: SimulatedPci) => void): Promise<DeviceMachine> {
  const partitions = [{}, { core: 1, devices: ["local-apic" as const, "pci" as const], pci: [{ device: owned }] }];
  return startedWithDevices({ cores: 2, partitions, bootTags: [tag(8, framebufferTag(shape))], ...(pci === undefined ? {} : { pci }) });
}

function addDisplay(pci: SimulatedPci): void {
  msi(express(pci.add(DISPLAY, { vendor: 0x1234, device: 0x1111, classCode: 0x03_0000 }).bar(0, 0x1000, 0xfe02_0000), EXPRESS_TYPE.integrated, { flr: true }));
}

/** Whether the core can write to the byte at `address`. */
function reaches(machine: DeviceMachine, core: number, address: number): boolean {
  const leaf = leafAt(tablesOf(machine, core), DIRECT_BASE + BigInt(address));
  return leaf !== undefined && (leaf.entry & WRITABLE) !== 0n;
}

describe.each([["a framebuffer", SCREEN], ["text", TEXT]])("%s", (_, shape) => {
  const end = shape.address + Math.ceil((shape.pitch * shape.height) / PAGE) * PAGE;

  test("is mapped for core 0, whole, and for no other core", async () => {
    const machine = await start(shape, "00:04.0");
    expect([shape.address - 1, shape.address, end - 1, end].map((address) => reaches(machine, 0, address))).toEqual([false, true, true, false]);
    expect(reaches(machine, 1, shape.address)).toBe(false);
    expect(machine.text).not.toContain(GONE);
  });
});

describe("a screen behind a partition's device is left to it", () => {
  test.each([
    ["a BAR that begins with it", DISK_BAR],
    ["a BAR that holds its first page", DISK_BAR + 0x3000],
    ["a BAR that holds its last page", DISK_BAR - 15 * PAGE],
  ])("%s", async (_, address) => {
    const machine = await start({ ...SCREEN, address, height: 16 }, "00:04.0");
    expect(machine.text).toContain(GONE);
    expect(reaches(machine, 0, address)).toBe(false);
  });

  test.each([
    ["behind the BAR", DISK_BAR + 0x4000],
    ["before the BAR", DISK_BAR - 16 * PAGE],
  ])("but not one that lies %s", async (_, address) => {
    const machine = await start({ ...SCREEN, address, height: 16 }, "00:04.0");
    expect(machine.text).not.toContain(GONE);
    expect(reaches(machine, 0, address)).toBe(true);
  });

  test("text, of any display controller", async () => {
    const machine = await start(TEXT, DISPLAY, addDisplay);
    expect(machine.text).toContain(GONE);
    expect(reaches(machine, 0, TEXT.address)).toBe(false);
    const other = await start(SCREEN, DISPLAY, addDisplay);
    expect(other.text).not.toContain(GONE);
  });
});
