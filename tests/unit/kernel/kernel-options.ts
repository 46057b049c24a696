// What a test says about the simulated machine that a kernel runs on, and about its partitions.

import type { ImageKind } from "../../../monitor/interface.ts";
import type { SystemDescription } from "../../../scripts/policy/language.ts";
import { systemSchema, type DeviceName, type HypercallName, type System } from "../../../scripts/policy/schema.ts";
import type { MemoryMapEntry } from "../machine/boot-information.ts";
import type { Profile } from "./capabilities.ts";
import type { KernelMachine } from "./kernel-machine.ts";

type PartitionDescription = SystemDescription["partitions"][number];

export interface PartitionOptions {
  name?: string;
  core?: number;
  cores?: number[];
  memory?: string;
  devices?: DeviceName[];
  hypercalls?: HypercallName[];
  keyboard?: boolean;
  pci?: PartitionDescription["pci"];
  health?: PartitionDescription["health"];
  disk?: PartitionDescription["disk"];
}

export interface KernelOptions {
  /** Cores of the machine. */
  cores?: number;
  partitions?: PartitionOptions[];
  whenDone?: "power-off" | "stop";
  remapping?: "legacy" | "scalable";
  profile?: Profile;
  memoryMap?: MemoryMapEntry[];
  /** ACPI tables besides MADT and FADT. */
  tables?: Buffer[];
  /** More tags of the boot information. */
  bootTags?: Buffer[];
  /** Words of the kernel command line besides the console. */
  commandLine?: string;
  /** monitor.wasm in place of the scripted monitor. */
  monitor?: WebAssembly.Module;
  /** What all partitions load; bytes that no loader takes if left out. */
  image?: { kind: ImageKind; bytes: Buffer };
  /** Changes the machine before the kernel starts. */
  prepare?: (machine: KernelMachine) => void;
}

/** The policy of a machine with these options, every default filled in. */
export function describeSystem(options: KernelOptions): System {
  const partitions = options.partitions ?? [{}];
  return systemSchema.parse({
    name: "test",
    whenDone: options.whenDone ?? "stop",
    remapping: options.remapping,
    partitions: partitions.map((partition, i) => ({
      name: `guest${i}`,
      ...(partition.cores === undefined ? { core: i } : {}),
      memory: "4 MiB",
      image: { kind: "linux" },
      ...partition,
    })),
  });
}
