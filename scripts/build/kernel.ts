// build/bulkhead.elf: kernel, planner, monitor and the hand-written floor in one image.

import { readdirSync } from "node:fs";
import path from "node:path";
import { MODULES } from "../audit/audit-module.ts";
import { bootDirectory, generatedDirectory, kernelElf, objectDirectory } from "./paths.ts";
import { auditNativeStep } from "./native-audit.ts";
import { kernelNumbersStep } from "./kernel-numbers.ts";
import { auditStep, compileStep, moduleFiles, translateStep } from "./module.ts";
import { linkStep, objectFiles, objectStep } from "./native.ts";
import type { Progress } from "./progress.ts";
import { runStep, type Step } from "./step.ts";
import { symbolStep } from "./symbols.ts";

export const LINK_FLAGS: readonly string[] = ["--nostdlib", "--build-id=none", "-z", "max-page-size=4096", "-z", "noexecstack"];

/** What the image is made from beside the table of functions; kernel.c, planner.c and monitor.c include what wasm2c made. */
export function floorSources(): string[] {
  return readdirSync(bootDirectory).filter((name) => /\.(c|S)$/.test(name)).sort().map((name) => path.join(bootDirectory, name));
}

export async function buildKernel(clang: string, progress: Progress): Promise<void> {
  const sources = floorSources();
  const objects = sources.map((source) => objectFiles(source).object);
  const first = path.join(objectDirectory, "bulkhead.first.elf");
  const symbols = path.join(generatedDirectory, "symbols.S");
  const script = path.join(bootDirectory, "link.ld");
  const modules = MODULES.map((name) => ({ name, files: moduleFiles(name) }));
  progress.expect(modules.length * 3 + sources.length + 6);
  const run = (step: Step): Promise<boolean> => runStep(step, progress);

  await run(kernelNumbersStep());
  await Promise.all(
    modules.map(async ({ name, files }) => {
      await run(compileStep(name, `${name}/main.ts`, name, files));
      await Promise.all([run(auditStep(name, files)), run(translateStep(name, files))]);
    }),
  );
  await Promise.all(sources.map((source) => run(objectStep(source, clang))));
  await run(linkStep("bulkhead.first", first, script, objects, LINK_FLAGS));
  await run(symbolStep(first, symbols));
  await run(objectStep(symbols, clang));
  await run(linkStep("bulkhead", kernelElf, script, [...objects, objectFiles(symbols).object], LINK_FLAGS));
  await run(auditNativeStep(kernelElf, sources));
}
