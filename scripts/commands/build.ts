// `bulkhead build`

import { statSync } from "node:fs";
import { build } from "../build/build.ts";
import { kernelElf, projectPath } from "../build/paths.ts";
import { ensurePrograms } from "../setup/setup.ts";

export async function buildCommand(): Promise<void> {
  ensurePrograms("build");
  const begun = Date.now();
  await build();
  const seconds = ((Date.now() - begun) / 1000).toFixed(1);
  process.stderr.write(`${projectPath(kernelElf)} is up to date: ${(statSync(kernelElf).size / 1024).toFixed(0)} KiB, ${seconds} s\n`);
}
