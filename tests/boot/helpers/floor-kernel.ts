// Builds tests/fixtures/floor as a kernel image: the objects of the real build, with another kernel.wasm.

import { copyFileSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { compileAssemblyScript } from "../../../scripts/build/assemblyscript.ts";
import { bootDirectory, buildDirectory, objectDirectory, projectPath } from "../../../scripts/build/paths.ts";
import { LINK_FLAGS } from "../../../scripts/build/kernel.ts";
import { KERNEL_FLAGS } from "../../../scripts/build/native.ts";
import { run } from "../../../scripts/build/process.ts";
import { parseSymbols, symbolTable } from "../../../scripts/build/symbols.ts";
import { projectDirectory } from "../../../scripts/policy/project.ts";

const FOLDER = path.join(buildDirectory, "tests/floor");
const REMEDY = "Run `npm run build` first; the test links the objects in build/obj.";

/** Path of the ELF file. */
export async function buildFloorKernel(): Promise<string> {
  // kernel.c includes ../build/gen/kernel.c: a copy of it here includes the fixture's.
  const copy = path.join(FOLDER, "boot/kernel.c");
  const generated = path.join(FOLDER, "build/gen/kernel.c");
  for (const file of [copy, generated]) mkdirSync(path.dirname(file), { recursive: true });
  copyFileSync(path.join(bootDirectory, "kernel.c"), copy);

  const { optimised } = await compileAssemblyScript("tests/fixtures/floor/main.ts", "kernel");
  const wasm = path.join(FOLDER, "kernel.wasm");
  writeFileSync(wasm, optimised);
  const wasm2c = path.join(projectDirectory, "node_modules/wabt/bin/wasm2c");
  await run(process.execPath, [wasm2c, wasm, "--module-name", "kernel", "--output", generated], REMEDY);
  const object = await assemble(copy);

  const others = readdirSync(objectDirectory).filter((name) => name.endsWith(".o") && name !== "kernel.c.o" && name !== "symbols.S.o");
  const objects = [object, ...others.map((name) => path.join(objectDirectory, name))];
  const first = await link("first.elf", objects);
  const symbols = path.join(FOLDER, "symbols.S");
  writeFileSync(symbols, symbolTable(parseSymbols(await run("llvm-nm", ["--numeric-sort", "--defined-only", first], REMEDY))));
  return link("floor.elf", [...objects, await assemble(symbols)]);
}

async function assemble(source: string): Promise<string> {
  const object = path.join(FOLDER, `${path.basename(source)}.o`);
  await run("clang", [...KERNEL_FLAGS, "-c", source, "-o", object], REMEDY);
  return object;
}

async function link(name: string, objects: readonly string[]): Promise<string> {
  const output = path.join(FOLDER, name);
  await run("ld.lld", [...LINK_FLAGS, "-T", projectPath(path.join(bootDirectory, "link.ld")), "-o", output, ...objects], REMEDY);
  return output;
}
