// Bare-metal partitions written in TypeScript: partitions/NAME/main.ts to build/partitions/NAME.elf.

import { existsSync, readdirSync } from "node:fs";
import path from "node:path";
import { compileStep, moduleFiles, translateStep } from "./module.ts";
import { FREESTANDING, linkStep, objectFiles, objectStep } from "./native.ts";
import { generatedDirectory, partitionElf, partitionsDirectory, projectPath } from "./paths.ts";
import type { Progress } from "./progress.ts";
import { runStep, type Step } from "./step.ts";

/** The stub that every partition starts with. */
const nativeDirectory = path.join(partitionsDirectory, "runtime/native");

/** Folders of partitions/ that have a main.ts. */
export function partitionNames(): string[] {
  return readdirSync(partitionsDirectory).filter((name) => existsSync(path.join(partitionsDirectory, name, "main.ts"))).sort();
}

export async function buildPartition(name: string, clang: string, progress: Progress): Promise<void> {
  const folder = `partitions/${name}`;
  const label = `partition-${name}`;
  const files = moduleFiles("partition", folder);
  const sources = readdirSync(nativeDirectory).filter((file) => /\.(c|S)$/.test(file)).sort().map((file) => path.join(nativeDirectory, file));
  progress.expect(3 + sources.length);
  const run = (step: Step): Promise<boolean> => runStep(step, progress);

  await run(compileStep(label, `${folder}/main.ts`, "partition", files));
  await run(translateStep(label, files));
  await Promise.all(sources.map((source) => run(objectStep(source, clang, folder, partitionFlags(folder)))));
  const objects = sources.map((source) => objectFiles(source, folder).object);
  await run(linkStep(label, partitionElf(name), path.join(nativeDirectory, "link.ld"), objects));
}

function partitionFlags(folder: string): string[] {
  return [...FREESTANDING, "-Wno-unused-variable", "-Wno-unused-but-set-variable", "-I", projectPath(nativeDirectory), "-I", projectPath(path.join(generatedDirectory, folder))];
}
