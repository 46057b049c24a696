// The whole kernel on a machine with VT-d and PCI functions, up to the first VM entry of core 0.
//
//   const machine = await startedWithDevices({ partitions: [{ pci: [{ device: "00:04.0" }] }, {}] });
//   machine.unit.deviceWrite(DISK, 0x1000n, Buffer.from("data"))     // DMA of 00:04.0

import type { RemappingOptions } from "../machine/remapping-unit.ts";
import { REGISTERS_SIZE, RemappingUnit } from "../machine/remapping-unit.ts";
import { EXPRESS_TYPE, express, msi, msix } from "../machine/pci-capabilities.ts";
import type { SimulatedFunction } from "../machine/pci-function.ts";
import { ECAM, SimulatedPci } from "../machine/pci.ts";
import { Stopped } from "../machine/machine.ts";
import type { PhysicalMemory } from "../machine/physical-memory.ts";
import { enumReader } from "../machine/source-enums.ts";
import { assemble, drhd, madeUp, type Structure } from "../drivers/dmar-table.ts";
import { compileKernel, KernelMachine, type KernelModules } from "./kernel-machine.ts";
import type { KernelOptions, PartitionOptions } from "./kernel-options.ts";

/** Source ids. */
export const DISK = 0x20; // 00:04.0, MSI-X with four entries, function-level reset
export const CARD = 0x28; // 00:05.0, MSI, function-level reset
export const TOY = 0x30; // 00:06.0, MSI, no reset
export const DISK_BAR = 0xfe00_0000;
/** Offset of the MSI-X table in the disk's BAR; its pending bits lie in the same page. */
export const DISK_TABLE = 0x2000;
export const CARD_BAR = 0xfe01_0000;
export const UNIT = 0xfed9_0000;
const MEMORY_64 = 4;

/** `tables`: those besides MADT, FADT, DMAR and MCFG. */
export interface DeviceOptions extends Omit<KernelOptions, "prepare"> {
  partitions: PartitionOptions[];
  unit?: RemappingOptions;
  /** Structures of the DMAR table; without them one unit serves everything. */
  dmar?: Structure[] | "none";
  /** The INTR_REMAP flag and others of the DMAR table. */
  dmarFlags?: number;
  /** In place of memory of its own. */
  memory?: PhysicalMemory;
  /** Adds functions, or changes those that are there. */
  pci?: (pci: SimulatedPci) => void;
}

const planPartition = enumReader("kernel/partition/plan.ts", "PlanPartition");

export class DeviceMachine extends KernelMachine {
  readonly pci: SimulatedPci;
  readonly unit: RemappingUnit;
  readonly disk: SimulatedFunction;
  readonly card: SimulatedFunction;

  constructor(modules: KernelModules, options: DeviceOptions) {
    const structures = options.dmar ?? [drhd(UNIT, ["ioapic #0 ff:0.0"], { flags: 1 })];
    const tables = [...(options.tables ?? [])];
    if (structures !== "none") tables.push(assemble(madeUp(structures, { hostAddressWidth: 46, flags: options.dmarFlags ?? 1 })));
    super(modules, { ...options, tables, prepare: () => {} }, options.memory === undefined ? {} : { memory: options.memory });
    this.pci = new SimulatedPci(this, [{ ...ECAM, lastBus: 1 }]);
    tables.push(this.pci.mcfg());
    this.unit = new RemappingUnit(this.memory, options.unit);
    this.memory.addDevice(UNIT, REGISTERS_SIZE, this.unit);
    this.pci.add("00:00.0", { classCode: 0x06_0000 });
    this.disk = this.pci.add("00:04.0", { vendor: 0x1b36, device: 0x0010, classCode: 0x01_0802 }).bar(0, 0x4000, DISK_BAR, MEMORY_64);
    msix(express(this.disk, EXPRESS_TYPE.integrated, { flr: true }), 4, DISK_TABLE);
    this.card = this.pci.add("00:05.0", { vendor: 0x8086, device: 0x10d3, classCode: 0x02_0000 }).bar(0, 0x1000, CARD_BAR);
    msi(express(this.card, EXPRESS_TYPE.integrated, { flr: true }));
    msi(this.pci.add("00:06.0", { vendor: 0x1234, device: 0x11e8 }));
    options.pci?.(this.pci);
    // A core that parks waits for the cores that no test runs.
    this.onIdle = () => {
      throw new Stopped("idle");
    };
  }

  /** Host-physical address of a partition's memory. */
  memoryBase(partition: number): bigint {
    return this.memory.read(Number(this.plan) + 4096 + partition * planPartition("Size") + planPartition("MemoryBase"), 8);
  }

  /** Tells core 0 of the faults that the unit recorded, as its interrupt does. */
  faultInterrupt(): number {
    return this.externalInterrupt(0x41);
  }

  /** An interrupt of the machine while the guest ran. */
  externalInterrupt(vector: number): number {
    return this.exit("EXTERNAL_INTERRUPT", { VM_EXIT_INTERRUPTION_INFORMATION: 0x8000_0000n | BigInt(vector) });
  }

  get text(): string {
    return this.lines.join("\n");
  }
}

/** A machine that has not booted yet. */
export async function machineWithDevices(options: DeviceOptions): Promise<DeviceMachine> {
  return new DeviceMachine(await compileKernel(), options);
}

/** A machine whose kernel has entered core 0's partition. */
export async function startedWithDevices(options: DeviceOptions): Promise<DeviceMachine> {
  const machine = await machineWithDevices(options);
  const end = machine.boot();
  if (end !== "enterGuest") throw new Error(`the kernel ended with "${end}":\n${machine.debugConsole.output}`);
  return machine;
}
