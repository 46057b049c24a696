// Builds a kernel image with another kernel.wasm, planner.wasm, monitor.wasm or console.wasm: all else are the objects of the real build.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { compileAssemblyScript } from "../build/assemblyscript.ts";
import type { ModuleName } from "../audit/audit-module.ts";
import { floorSources, LINK_FLAGS } from "../build/kernel.ts";
import { modulePrefix } from "../build/module.ts";
import { KERNEL_FLAGS, objectFiles } from "../build/native.ts";
import { bootDirectory, buildDirectory, projectPath } from "../build/paths.ts";
import { run } from "../build/process.ts";
import { parseSymbols, symbolTable } from "../build/symbols.ts";
import { projectDirectory } from "../policy/project.ts";

const REMEDY = "Run `npm run build` first; the test links the objects in build/obj.";

/** Entry files of the modules to build anew, relative to the base directory. */
export type Entries = Partial<Record<ModuleName, string>>;

/**
 * Builds an image with the modules of `entries`; the files go to build/tests/NAME.
 * `weaken` takes protections out of the modules' C files. Returns the path of the ELF file.
 */
export async function buildKernelImage(name: string, entries: Entries, baseDirectory = projectDirectory, weaken = (text: string): string => text): Promise<string> {
  const folder = path.join(buildDirectory, "tests", name);
  const modules = Object.entries(entries) as [keyof Entries, string][];
  const rebuilt = await Promise.all(modules.map(([module, entry]) => buildModule(folder, module, entry, baseDirectory, weaken)));
  const replaced = new Set(modules.map(([module]) => `${module}.c`));
  const others = floorSources().filter((source) => !replaced.has(path.basename(source)));
  const objects = [...rebuilt, ...others.map((source) => objectFiles(source).object)];
  const first = await link(path.join(folder, "first.elf"), objects);
  const symbols = path.join(folder, "symbols.S");
  writeFileSync(symbols, symbolTable(parseSymbols(await run("llvm-nm", ["--numeric-sort", "--defined-only", first], REMEDY))));
  return link(path.join(folder, `${name}.elf`), [...objects, await assemble(symbols, folder)]);
}

/** From TypeScript to an object file. */
async function buildModule(folder: string, module: keyof Entries, entry: string, baseDirectory: string, weaken: (text: string) => string): Promise<string> {
  // boot/MODULE.c includes ../build/gen/MODULE.c: a copy of it here includes the generated file of this folder.
  const copy = path.join(folder, `boot/${module}.c`);
  const generated = path.join(folder, `build/gen/${module}.c`);
  for (const file of [copy, generated]) mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(copy, weaken(readFileSync(path.join(bootDirectory, `${module}.c`), "utf8")));

  const { optimised } = await compileAssemblyScript(entry, module, baseDirectory);
  const wasm = path.join(folder, `${module}.wasm`);
  writeFileSync(wasm, optimised);
  const wasm2c = path.join(projectDirectory, "node_modules/wabt/bin/wasm2c");
  await run(process.execPath, [wasm2c, wasm, "--module-name", modulePrefix(module), "--output", generated], REMEDY);
  return assemble(copy, folder);
}

async function assemble(source: string, folder: string): Promise<string> {
  const object = path.join(folder, `${path.basename(source)}.o`);
  await run("clang", [...KERNEL_FLAGS, "-c", source, "-o", object], REMEDY);
  return object;
}

async function link(output: string, objects: readonly string[]): Promise<string> {
  await run("ld.lld", [...LINK_FLAGS, "-T", projectPath(path.join(bootDirectory, "link.ld")), "-o", output, ...objects], REMEDY);
  return output;
}
