// Core 1 beside core 0 on one machine with VT-d, and what core 0 tells it about devices.

import { Stopped } from "../machine/machine.ts";
import { leafAt, pagingLeaves, type Leaf } from "../machine/page-walker.ts";
import type { PhysicalMemory } from "../machine/physical-memory.ts";
import { enumReader } from "../machine/source-enums.ts";
import { startedWithDevices, type DeviceMachine, type DeviceOptions } from "./assignment-machine.ts";
import { compileKernel, KernelMachine, type KernelModules } from "./kernel-machine.ts";
import type { KernelOptions } from "./kernel-options.ts";

export const MAILBOX = 0xf0;
const KERNEL_MEMORY = 0xffff_9000_0000_0000n;
const fixed = enumReader("kernel/memory/layout.ts", "Fixed");
const header = enumReader("kernel/partition/plan.ts", "PlanHeader");
const ATTACHED = 0x200;

/** The page tables that core 0 made for a core. */
export function tablesOf(machine: KernelMachine, core: number): Leaf[] {
  const calls = machine.bootCalls.filter((one) => one.startsWith(core === 0 ? "loadPageTables" : "startCore"));
  return pagingLeaves(machine.memory, BigInt(calls[Math.max(core - 1, 0)]!.split(" ")[1]!));
}

/** Core 0 and core 1 in their partitions; `view`: the memory as core 1 has it, with the leaves of its tables. */
export async function bothCores(
  options: DeviceOptions,
  view = (memory: PhysicalMemory, _leaves: Leaf[]): PhysicalMemory => memory,
): Promise<{ first: DeviceMachine; second: KernelMachine }> {
  const first = await startedWithDevices(options);
  const second = joinCore(first, await compileKernel(), options, view(first.memory, tablesOf(first, 1)));
  mailbox(first); // what it printed
  return { first, second };
}

/** Core 1 of a machine whose core 0 has started, in its partition. */
export function joinCore(first: DeviceMachine, modules: KernelModules, options: KernelOptions, memory: PhysicalMemory = first.memory): KernelMachine {
  const second = new KernelMachine(modules, options, { coreId: 1, apicId: 1, memory, clock: first.clock });
  second.onIdle = () => {
    throw new Stopped("idle");
  };
  const frame = leafAt(tablesOf(first, 1), KERNEL_MEMORY)!.to;
  second.view.setBigUint64(fixed("Plan"), first.memory.read(Number(frame) + fixed("Plan"), 8), true);
  const end = second.run(() => second.kernel.bootApplication());
  if (end !== "enterGuest") throw new Error(`core 1 ended with "${end}":\n${first.debugConsole.output}`);
  return second;
}

/** A call by another core while the guest ran. */
export function mailbox(machine: KernelMachine): number {
  return machine.exit("EXTERNAL_INTERRUPT", { VM_EXIT_INTERRUPTION_INFORMATION: 0x8000_0000n | BigInt(MAILBOX) });
}

function report(machine: KernelMachine, offset: number): number {
  const reports = machine.memory.read(Number(machine.plan) + header("DeviceReports"), 8);
  return Number(machine.memory.read(Number(reports) + offset, 4));
}

/** Violations of a partition's devices as core 0 published them. */
export function violationsReported(machine: KernelMachine, partition: number): number {
  return report(machine, 4 * partition);
}

/** Generation of a partition's devices that core 0 attached last. */
export function attachedGeneration(machine: KernelMachine, partition: number): number {
  return report(machine, ATTACHED + 4 * partition);
}
