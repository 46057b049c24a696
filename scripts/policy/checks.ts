// What must hold between the fields of a system; schema.ts has checked each field by itself.

import path from "node:path";
import { MAXIMUM_DEVICES } from "../../kernel/policy/layout.ts";
import { UserError } from "../error.ts";
import { formatPciName } from "./pci.ts";
import type { System } from "./schema.ts";
import { formatSize } from "./size.ts";

/** Partition memory is granted in 2 MiB pages. */
export const MEMORY_GRANULE = 2 * 1024 ** 2;

/** Throws a UserError that names file, field, value and remedy when the parts of a system contradict each other. */
export function checkSystem(system: System, file: string): void {
  checkNames(system, file);
  checkCores(system, file);
  checkMemory(system, file);
  checkKeyboard(system, file);
  checkPciBus(system, file);
  checkPciOwners(system, file);
  checkPciCount(system, file);
  checkDisks(system, file);
}

function checkNames(system: System, file: string): void {
  const seen = new Map<string, number>();
  for (const [index, { name }] of system.partitions.entries()) {
    const earlier = seen.get(name);
    if (earlier !== undefined) {
      throw new UserError(`${file}: partitions[${index}].name is "${name}", the name of partitions[${earlier}] too`, "Give each partition a name of its own.");
    }
    seen.set(name, index);
  }
}

function checkCores(system: System, file: string): void {
  const owners = new Map<number, string>();
  for (const [index, { cores, name }] of system.partitions.entries()) {
    for (const core of cores) {
      const owner = owners.get(core);
      if (owner !== undefined) {
        throw new UserError(
          `${file}: partitions[${index}].${cores.length === 1 ? `core ("${name}") is` : `cores ("${name}") has`} ${core}, the core of "${owner}" too`,
          `One partition runs on a core: give "${name}" core ${firstFreeCore(system)}.`,
        );
      }
      owners.set(core, name);
    }
  }
}

function firstFreeCore(system: System): number {
  const used = new Set(system.partitions.flatMap((partition) => partition.cores));
  let core = 0;
  while (used.has(core)) core++;
  return core;
}

function checkMemory(system: System, file: string): void {
  for (const [index, { memory, name }] of system.partitions.entries()) {
    if (memory > 0 && memory % MEMORY_GRANULE === 0) continue;
    const rounded = Math.max(1, Math.ceil(memory / MEMORY_GRANULE)) * MEMORY_GRANULE;
    throw new UserError(
      `${file}: partitions[${index}].memory ("${name}") is ${formatSize(memory)}, which is no multiple of 2 MiB`,
      `Write "${formatSize(rounded)}".`,
    );
  }
}

function checkKeyboard(system: System, file: string): void {
  const holders = system.partitions.filter((partition) => partition.keyboard);
  if (holders.length <= 1) return;
  const names = holders.map((partition) => `"${partition.name}"`).join(" and ");
  throw new UserError(`${file}: keyboard is true for ${names}`, "Let at most one partition have the keyboard at the start; Ctrl-] switches it later.");
}

/** Without the virtual configuration ports a guest cannot find the functions that it owns. */
function checkPciBus(system: System, file: string): void {
  for (const [index, { devices, name, pci }] of system.partitions.entries()) {
    if (pci.length === 0 || devices.includes("pci")) continue;
    throw new UserError(
      `${file}: partitions[${index}].devices ("${name}") is ${JSON.stringify(devices)}, without the "pci" that partitions[${index}].pci needs`,
      'Add "pci" to devices, or remove the field pci.',
    );
  }
}

/** Each partition would write to a copy of its own, which nobody who names one file means. "demo" is made for each anew. */
function checkDisks(system: System, file: string): void {
  const owners = new Map<string, { index: number; readOnly: boolean }>();
  for (const [index, { disk }] of system.partitions.entries()) {
    if (disk === undefined || disk.file === "demo") continue;
    const image = path.normalize(disk.file);
    const earlier = owners.get(image);
    if (earlier !== undefined && !(earlier.readOnly && disk.readOnly)) {
      throw new UserError(
        `${file}: partitions[${index}].disk is "${disk.file}", the disk of partitions[${earlier.index}] too, and one of them may write it`,
        "Give each partition a file of its own, or write readOnly: true for both.",
      );
    }
    owners.set(image, { index, readOnly: disk.readOnly });
  }
}

/** That an address and an identity name the same function only the kernel can tell, when it has scanned the buses. */
function checkPciOwners(system: System, file: string): void {
  const owners = new Map<string, string>();
  for (const { field, name } of assignments(system)) {
    const owner = owners.get(name);
    if (owner !== undefined) {
      throw new UserError(`${file}: ${field}.device is "${name}", the device of ${owner} too`, "A device has one owner: name it once.");
    }
    owners.set(name, field);
  }
}

function checkPciCount(system: System, file: string): void {
  const { length } = assignments(system);
  if (length <= MAXIMUM_DEVICES) return;
  throw new UserError(`${file}: the fields pci of all partitions name ${length} devices`, `Name at most ${MAXIMUM_DEVICES} devices in the whole system.`);
}

function assignments(system: System): { field: string; name: string }[] {
  return system.partitions.flatMap((partition, owner) =>
    partition.pci.map((assignment, index) => ({ field: `partitions[${owner}].pci[${index}]`, name: formatPciName(assignment.device) })),
  );
}
