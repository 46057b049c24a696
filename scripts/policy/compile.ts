// Compiles a system file to build/systems/NAME/: policy.bin and the modules that the boot loader hands over.

import { constants, copyFileSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { encodePolicy, type EncodedPartition } from "./encode.ts";
import { resolveDisk } from "./disk.ts";
import { resolveImage } from "./images.ts";
import type { SystemDescription } from "./language.ts";
import { checkDescription, displayPath, findSystemFile, loadSystem } from "./load.ts";
import { ModuleList, type Module } from "./modules.ts";
import { projectDirectory } from "./project.ts";
import type { System } from "./schema.ts";

export interface CompiledSystem {
  name: string;
  /** The system file that this was compiled from. */
  file: string;
  /** build/systems/NAME. */
  directory: string;
  /** policy.bin, which the loader hands over as module 0. */
  policy: string;
  /** The modules after policy.bin, in their order. */
  modules: string[];
  /** Cores that the machine must have: the highest core named, and one. */
  cores: number;
  /** Bytes of memory of all partitions. */
  memory: number;
  system: System;
}

/** Compiles the system given as the name of an example or as a path; throws UserError. */
export async function compileSystem(pathOrName: string): Promise<CompiledSystem> {
  const file = findSystemFile(pathOrName);
  return compile(await loadSystem(file), file);
}

/** Compiles a system that a program made; `file` is for messages, and images are looked for from its folder. */
export async function compileDescription(description: SystemDescription, file: string): Promise<CompiledSystem> {
  return compile(checkDescription(description, displayPath(file)), file);
}

async function compile(system: System, file: string): Promise<CompiledSystem> {
  const list = new ModuleList();
  const partitions: EncodedPartition[] = [];
  for (const [index, partition] of system.partitions.entries()) {
    const files = await resolveImage(partition, index, file);
    const disk = await resolveDisk(partition.disk, index, file);
    partitions.push({
      partition,
      imageKind: files.kind,
      kernelModule: list.add(files.kernel),
      ramDiskModule: files.ramDisk === null ? null : list.add(files.ramDisk),
      commandLine: files.commandLine,
      diskModule: disk === null ? null : partition.disk?.readOnly === true ? list.add(disk) : list.addWritable(disk),
    });
  }
  const directory = path.join(projectDirectory, "build/systems", system.name);
  const policy = path.join(directory, "policy.bin");
  const modules = writeFiles(directory, policy, encodePolicy(system, partitions, list.modules.length), list.modules);
  return {
    name: system.name,
    file: displayPath(file),
    directory,
    policy,
    modules,
    cores: Math.max(...system.partitions.flatMap((partition) => partition.cores)) + 1,
    memory: system.partitions.reduce((sum, partition) => sum + partition.memory, 0),
    system,
  };
}

function writeFiles(directory: string, policyFile: string, policy: Buffer, modules: Module[]): string[] {
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  writeFileSync(policyFile, policy);
  return modules.map((module) => {
    const target = path.join(directory, `${module.number}-${module.name}`);
    if (typeof module.content === "string") copyFileSync(module.content, target, constants.COPYFILE_FICLONE);
    else writeFileSync(target, module.content);
    return target;
  });
}
