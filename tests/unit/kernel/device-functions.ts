// PCI functions for tests of assignment, and what the kernel says of those that it refuses.

import { expect } from "vitest";
import { enumReader } from "../machine/source-enums.ts";
import { EXPRESS_TYPE, express, msi } from "../machine/pci-capabilities.ts";
import type { FunctionOptions, SimulatedFunction } from "../machine/pci-function.ts";
import type { SimulatedPci } from "../machine/pci.ts";
import { machineWithDevices, type DeviceMachine, type DeviceOptions } from "./assignment-machine.ts";

export const fatalReason = enumReader("kernel/boot/fatal.ts", "FatalReason");

export interface CardOptions extends FunctionOptions {
  /** Address of BAR 0, a page; none if it is left out. */
  bar?: number;
  /** EXPRESS_TYPE, or "none" for a function of conventional PCI, which has no reset of its own. */
  type?: number | "none";
  /** Default: it has a function-level reset. */
  reset?: boolean;
}

/** Adds a function with MSI that can be given away. */
export function addCard(pci: SimulatedPci, address: string, options: CardOptions = {}): SimulatedFunction {
  const card = pci.add(address, options);
  if (options.bar !== undefined) card.bar(0, 0x1000, options.bar);
  if (options.type !== "none") express(card, options.type ?? EXPRESS_TYPE.integrated, { flr: options.reset ?? true });
  return msi(card);
}

/** Adds a bridge to bus `secondary`; `type` as for addCard(). */
export function addBridge(pci: SimulatedPci, address: string, secondary: number, type: number | "none"): SimulatedFunction {
  const bridge = pci.add(address, { classCode: 0x06_0400 }).bridge(secondary);
  return type === "none" ? bridge : express(bridge, type);
}

/** Lines of the kernel that begin with `start`, without the name in front. */
export function linesOf(machine: DeviceMachine, start: string): string[] {
  return machine.lines.map((line) => line.replace("[bulkhead] ", "")).filter((line) => line.startsWith(start));
}

/** A machine whose boot ended with this reason before any core entered VMX operation and before translation went on. */
export async function stoppedBy(reason: string, options: DeviceOptions): Promise<DeviceMachine> {
  const machine = await machineWithDevices(options);
  expect(machine.boot(), machine.text).toBe("halt");
  expect(linesOf(machine, "fatal").map((line) => line.split(":")[0])).toEqual([`fatal ${fatalReason(reason)} on core 0`]);
  expect(machine.processor.vmxCalls).toEqual([]);
  return machine;
}

/** The lines that refuse devices, on a machine that stops because of them. */
export async function refusals(options: DeviceOptions): Promise<string[]> {
  const machine = await stoppedBy("DevicesRefused", options);
  expect(machine.unit.globalStatus).toBe(0);
  return linesOf(machine, "refused: ").map((line) => line.slice("refused: ".length));
}
