// Where the build reads and writes.

import path from "node:path";
import { projectDirectory } from "../policy/project.ts";

export const buildDirectory = path.join(projectDirectory, "build");
/** WebAssembly modules, before and after optimisation. */
export const moduleDirectory = path.join(buildDirectory, "wasm");
/** C and assembler text made by the build. */
export const generatedDirectory = path.join(buildDirectory, "gen");
/** Numbers of the kernel for the floor, see kernel-numbers.ts. */
export const kernelNumbers = path.join(generatedDirectory, "kernel-numbers.h");
export const objectDirectory = path.join(buildDirectory, "obj");
/** What the audit found. */
export const reportDirectory = path.join(buildDirectory, "report");
/** Records of finished steps, see step.ts. */
export const stampDirectory = path.join(buildDirectory, "stamps");
export const kernelElf = path.join(buildDirectory, "bulkhead.elf");
export const auditReport = path.join(reportDirectory, "audit.json");
export const bootDirectory = path.join(projectDirectory, "boot");
export const partitionsDirectory = path.join(projectDirectory, "partitions");

/** ELF file of a TypeScript partition. */
export function partitionElf(name: string): string {
  return path.join(buildDirectory, "partitions", `${name}.elf`);
}

/** Path from the project's folder, with forward slashes. */
export function projectPath(file: string): string {
  return path.relative(projectDirectory, file);
}
