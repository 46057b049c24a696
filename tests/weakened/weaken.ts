// Makes a kernel with protections switched off, to show that the attacks in tests/boot/attacks.test.ts are real.
//
// The sources are copied to build/weakened/NAME, and each weakness replaces one text there. A text that is not found
// exactly once fails the test: then the source has changed, and the weakness no longer does what it says.

import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { compileAssemblyScript } from "../../scripts/build/assemblyscript.ts";
import { buildDirectory } from "../../scripts/build/paths.ts";
import { projectDirectory } from "../../scripts/policy/project.ts";
import type { KernelModules } from "../unit/kernel/kernel-machine.ts";
import { buildKernelImage } from "../../scripts/test-kernels/kernel-image.ts";

export interface Weakness {
  /** Source file, from the project's folder. */
  file: string;
  /** Text that stands exactly once in it. */
  text: string;
  replacement: string;
}

const SOURCES = ["kernel", "drivers", "planner", "monitor", "console"];

/** Builds the kernel NAME without what the weaknesses take away; returns the path of the ELF file. */
export async function buildWeakenedKernel(name: string, weaknesses: readonly Weakness[]): Promise<string> {
  const folder = weakenedSources(name, weaknesses);
  const monitor = weaknesses.some(({ file }) => file.startsWith("monitor/")) ? { monitor: "monitor/main.ts" } : {};
  return buildKernelImage(`weakened-${name}`, { kernel: "kernel/main.ts", planner: "planner/main.ts", ...monitor }, folder);
}

/** kernel.wasm and planner.wasm, for the simulated machine. */
export async function compileWeakenedKernel(name: string, weaknesses: readonly Weakness[]): Promise<KernelModules> {
  const folder = weakenedSources(name, weaknesses);
  const compile = async (module: keyof KernelModules): Promise<WebAssembly.Module> => {
    const { optimised } = await compileAssemblyScript(`${module}/main.ts`, module, folder);
    return new WebAssembly.Module(Uint8Array.from(optimised));
  };
  return { kernel: await compile("kernel"), planner: await compile("planner") };
}

/** console.wasm, for the simulated machine. */
export async function compileWeakenedConsole(name: string, weaknesses: readonly Weakness[]): Promise<WebAssembly.Module> {
  const { optimised } = await compileAssemblyScript("console/main.ts", "console", weakenedSources(name, weaknesses));
  return new WebAssembly.Module(Uint8Array.from(optimised));
}

/** Folder of a copy of the sources without what the weaknesses take away. */
function weakenedSources(name: string, weaknesses: readonly Weakness[]): string {
  const folder = path.join(buildDirectory, "weakened", name);
  rmSync(folder, { recursive: true, force: true });
  for (const source of SOURCES) cpSync(path.join(projectDirectory, source), path.join(folder, source), { recursive: true });
  for (const weakness of weaknesses) weaken(folder, weakness);
  return folder;
}

/** Applies the weakness to the sources in `folder`. */
export function weaken(folder: string, { file, text, replacement }: Weakness): void {
  const target = path.join(folder, file);
  const source = readFileSync(target, "utf8");
  const count = source.split(text).length - 1;
  if (count !== 1) throw new Error(`${file} holds this text ${count} times, not once; adapt the weakness in tests/weakened/:\n${text}`);
  writeFileSync(target, source.replace(text, () => replacement));
}
