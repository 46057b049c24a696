// Machines for the tests of the console.

import { FloorMachine } from "../machine/floor.ts";
import type { MachineOptions } from "../machine/machine.ts";
import { PhysicalMemory } from "../machine/physical-memory.ts";
import { expect } from "vitest";

export const LINUX = 0;
export const CLOCK = 1;
/** Physical address of the rings that two cores share. */
export const RINGS = 0x100_0000;
const NAMES = 0x3000;
const PLAN = 0x110_0000;
const POLICY = 0x120_0000;

/** Two partitions: linux on core 1, clock on core 0. */
export function register(machine: FloorMachine): void {
  machine.floor.placePartitions(BigInt(PLAN), BigInt(POLICY), 2);
  machine.memory.writeBytes(NAMES, Buffer.from("linux\0"));
  machine.memory.writeBytes(NAMES + 32, Buffer.from("clock\0"));
  machine.floor.registerPartition(LINUX, BigInt(NAMES), 1);
  machine.floor.registerPartition(CLOCK, BigInt(NAMES + 32), 0);
}

export function say(machine: FloorMachine, partition: number, text: string): void {
  for (const byte of Buffer.from(text, "latin1")) expect(machine.floor.putPartitionByte(partition, byte)).toBe(1);
}

/** Two cores that share physical memory; core 0 has `consoles`. Their local APICs are reached by MSRs, so each has its own. */
export function twoCores(module: WebAssembly.Module, consoles: number, options: MachineOptions = {}): { first: FloorMachine; second: FloorMachine } {
  const memory = new PhysicalMemory();
  const second = new FloorMachine(module, { memory, coreId: 1, apicId: 1, x2Apic: true });
  second.floor.placePartitions(BigInt(PLAN), BigInt(POLICY), 2);
  second.floor.enableLocalApic();
  const first = new FloorMachine(module, { memory, x2Apic: true, ...options });
  first.floor.enableLocalApic();
  first.floor.openConsoles(consoles);
  register(first);
  first.floor.createRings(BigInt(RINGS), 2);
  second.floor.attachRings(BigInt(RINGS), 1);
  return { first, second };
}
