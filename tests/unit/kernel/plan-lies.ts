// A planner that lies: what it left is changed before the kernel takes it over.

import { pagingLeaves } from "../machine/page-walker.ts";
import { enumReader } from "../machine/source-enums.ts";
import type { KernelMachine } from "./kernel-machine.ts";

const header = enumReader("kernel/partition/plan.ts", "PlanHeader");
const partitionField = enumReader("kernel/partition/plan.ts", "PlanPartition");
const coreField = enumReader("kernel/partition/plan-machine.ts", "PlanCore");
const unitField = enumReader("kernel/partition/plan-remapping.ts", "PlanUnit");
const sourceField = enumReader("kernel/partition/plan-remapping.ts", "PlanSource");
const reservedField = enumReader("kernel/partition/plan-remapping.ts", "PlanReserved");
const functionField = enumReader("kernel/partition/plan-functions.ts", "PlanFunction");

const PAGE = 4096;
const APIC_BASE = 0x1b;
const FRAME = 0x000f_ffff_ffff_f000n;
const CORES = 4 * PAGE;
const MODULES = CORES + 0x800;
const FUNCTIONS = 2 * PAGE;
const UNITS = 5 * PAGE;
const SOURCES = 6 * PAGE;
const RESERVED = 7 * PAGE;
const BRIDGES = 8 * PAGE;

/** A u32 or u64 in physical memory. */
export interface Place {
  address: number;
  size: number;
}

/** The plan of a machine, and the tables that it names. */
export class Plan {
  constructor(readonly machine: KernelMachine) {}

  header(name: string, size = 8): Place {
    return { address: Number(this.machine.plan) + header(name), size };
  }

  partition(index: number, name: string, size = 8): Place {
    return { address: Number(this.machine.plan) + PAGE + index * partitionField("Size") + partitionField(name), size };
  }

  core(index: number, name: string, size = 8): Place {
    return { address: Number(this.machine.plan) + CORES + index * coreField("Size") + coreField(name), size };
  }

  /** Address and, at offset 8, size of a module. */
  module(index: number, offset = 0): Place {
    return { address: Number(this.machine.plan) + MODULES + index * 16 + offset, size: 8 };
  }

  function(index: number, name: string, size = 4, offset = 0): Place {
    return { address: Number(this.machine.plan) + FUNCTIONS + index * functionField("Size") + functionField(name) + offset, size };
  }

  unit(index: number, name: string, size = 8): Place {
    return { address: Number(this.machine.plan) + UNITS + index * unitField("Size") + unitField(name), size };
  }

  source(index: number, name: string): Place {
    return { address: Number(this.machine.plan) + SOURCES + index * sourceField("Size") + sourceField(name), size: 4 };
  }

  reserved(index: number, name: string, size = 8): Place {
    return { address: Number(this.machine.plan) + RESERVED + index * reservedField("Size") + reservedField(name), size };
  }

  bridge(index: number): Place {
    return { address: Number(this.machine.plan) + BRIDGES + 8 * index, size: 8 };
  }

  at(address: bigint, size = 8): Place {
    return { address: Number(address), size };
  }

  read(place: Place): bigint {
    return this.machine.memory.read(place.address, place.size);
  }

  write(place: Place, value: bigint): void {
    this.machine.memory.write(place.address, place.size, value);
  }

  /** The entry for `address` at `level` of a tree, or that of the leaf or gap above it. */
  entry(root: bigint, address: bigint, level: number): Place {
    let table = root;
    for (let current = 4; ; current--) {
      const place = this.at(table + 8n * ((address >> BigInt(12 + 9 * (current - 1))) & 511n));
      const entry = this.read(place);
      if (current === level || entry === 0n || (current < 4 && (entry & 0x80n) !== 0n)) return place;
      table = entry & FRAME;
    }
  }

  /** Copies a frame. */
  copy(to: bigint, from: bigint): void {
    this.machine.memory.writeBytes(Number(to), Buffer.from(this.machine.memory.readBytes(Number(from), PAGE)));
  }

  tables(core: number): ReturnType<typeof pagingLeaves> {
    return pagingLeaves(this.machine.memory, this.read(this.core(core, "Pml4")));
  }
}

export type Lie = (plan: Plan) => void;

/** Boots the machine with a lie between planner and kernel, whose first own act is to enable the local APIC; why it stopped. */
export function bootWithLie(machine: KernelMachine, lie: Lie): string {
  const { processor } = machine;
  const write = processor.writeMsr.bind(processor);
  let told = false;
  processor.writeMsr = (index, value) => {
    if (index === APIC_BASE && !told) {
      told = true;
      lie(new Plan(machine));
    }
    return write(index, value);
  };
  const end = machine.boot();
  if (!told) throw new Error(`the kernel did not begin:\n${machine.debugConsole.output}`);
  return end;
}

/** Of the first partition's record, and of the second's. */
export const own = (name: string) => (plan: Plan): bigint => plan.read(plan.partition(0, name));
export const other = (name: string) => (plan: Plan): bigint => plan.read(plan.partition(1, name));
