// Builds a kernel image with another kernel.wasm: all else are the objects of the real build.

import { copyFileSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { compileAssemblyScript } from "../../../scripts/build/assemblyscript.ts";
import { LINK_FLAGS } from "../../../scripts/build/kernel.ts";
import { KERNEL_FLAGS } from "../../../scripts/build/native.ts";
import { bootDirectory, buildDirectory, objectDirectory, projectPath } from "../../../scripts/build/paths.ts";
import { run } from "../../../scripts/build/process.ts";
import { parseSymbols, symbolTable } from "../../../scripts/build/symbols.ts";
import { projectDirectory } from "../../../scripts/policy/project.ts";

const REMEDY = "Run `npm run build` first; the test links the objects in build/obj.";

/**
 * Builds `entry`, relative to `baseDirectory`, as the kernel; the files go to build/tests/NAME.
 * Returns the path of the ELF file.
 */
export async function buildKernelImage(name: string, entry: string, baseDirectory = projectDirectory): Promise<string> {
  const folder = path.join(buildDirectory, "tests", name);
  // kernel.c includes ../build/gen/kernel.c: a copy of it here includes the generated file of this folder.
  const copy = path.join(folder, "boot/kernel.c");
  const generated = path.join(folder, "build/gen/kernel.c");
  for (const file of [copy, generated]) mkdirSync(path.dirname(file), { recursive: true });
  copyFileSync(path.join(bootDirectory, "kernel.c"), copy);

  const { optimised } = await compileAssemblyScript(entry, "kernel", baseDirectory);
  const wasm = path.join(folder, "kernel.wasm");
  writeFileSync(wasm, optimised);
  const wasm2c = path.join(projectDirectory, "node_modules/wabt/bin/wasm2c");
  await run(process.execPath, [wasm2c, wasm, "--module-name", "kernel", "--output", generated], REMEDY);
  const object = await assemble(copy, folder);

  const others = readdirSync(objectDirectory).filter((file) => file.endsWith(".o") && file !== "kernel.c.o" && file !== "symbols.S.o");
  const objects = [object, ...others.map((file) => path.join(objectDirectory, file))];
  const first = await link(path.join(folder, "first.elf"), objects);
  const symbols = path.join(folder, "symbols.S");
  writeFileSync(symbols, symbolTable(parseSymbols(await run("llvm-nm", ["--numeric-sort", "--defined-only", first], REMEDY))));
  return link(path.join(folder, `${name}.elf`), [...objects, await assemble(symbols, folder)]);
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
