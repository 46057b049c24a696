// From C and assembler to object files.

import { readFileSync } from "node:fs";
import path from "node:path";
import { projectDirectory } from "../policy/project.ts";
import { bootDirectory, generatedDirectory, objectDirectory, projectPath } from "./paths.ts";
import { run } from "./process.ts";
import type { Step } from "./step.ts";

/** Code without an operating system: no red zone (interrupts), no vector registers, GS-relative linear memory (Segue). */
export const FREESTANDING: readonly string[] = [
  "--target=x86_64-elf",
  "-O2",
  "-std=gnu11",
  "-ffreestanding",
  "-fno-pic",
  "-mno-red-zone",
  "-mgeneral-regs-only",
  "-mfsgsbase",
  "-fomit-frame-pointer",
  "-fno-stack-protector",
  "-fno-asynchronous-unwind-tables",
  "-nostdlibinc",
  "-I",
  projectPath(path.join(bootDirectory, "include")),
];

/** The kernel's image lies in the last 2 GiB of the address space. */
export const KERNEL_FLAGS: readonly string[] = [...FREESTANDING, "-mcmodel=kernel", "-I", projectPath(bootDirectory), "-I", projectPath(generatedDirectory)];

export interface ObjectFiles {
  object: string;
  /** clang's stack usage, one function a line; C only. */
  stackUsage: string | null;
}

export function objectFiles(source: string, folder = ""): ObjectFiles {
  const object = path.join(objectDirectory, folder, `${path.basename(source)}.o`);
  return { object, stackUsage: source.endsWith(".c") ? object.replace(/\.o$/, ".su") : null };
}

/** One source file to one object file, with the flags of the kernel or the given ones. */
export function objectStep(source: string, clang: string, folder = "", flags: readonly string[] = KERNEL_FLAGS): Step {
  const { object, stackUsage } = objectFiles(source, folder);
  const dependencies = object.replace(/\.o$/, ".d");
  const language = stackUsage === null ? [] : ["-fstack-usage", "-Wall", "-Wextra", "-Wno-unused-parameter", "-Wno-unused-function"];
  const args = [...flags, ...language, "-MD", "-MF", projectPath(dependencies), "-c", projectPath(source), "-o", projectPath(object)];
  return {
    name: `object-${path.join(folder, path.basename(source)).replaceAll("/", "-")}`,
    title: `compile ${projectPath(source)}`,
    settings: { args, clang },
    outputs: stackUsage === null ? [object] : [object, stackUsage],
    async run() {
      await run("clang", args, `Correct ${projectPath(source)} at the line named above.`);
      return [...readDependencies(dependencies), ...includedData(source)];
    },
  };
}

/** Links object files; `args` come before them. */
export function linkStep(name: string, output: string, script: string, objects: readonly string[], flags: readonly string[] = []): Step {
  const args = ["-T", projectPath(script), ...flags, "-o", projectPath(output), ...objects.map(projectPath)];
  return {
    name: `link-${name}`,
    title: `link ${projectPath(output)}`,
    settings: { args },
    outputs: [output],
    async run() {
      await run("ld.lld", args, `Correct the sources or ${projectPath(script)}.`);
      return [script, ...objects];
    },
  };
}

/** Files of .incbin, which clang does not name. */
function includedData(source: string): string[] {
  return [...readFileSync(source, "utf8").matchAll(/^\.incbin "(.*)"$/gm)].map(([, name = ""]) => path.resolve(projectDirectory, name));
}

/** Files named in a make rule that clang wrote. */
function readDependencies(file: string): string[] {
  const rule = readFileSync(file, "utf8").replaceAll("\\\n", " ");
  const names = rule.slice(rule.indexOf(":") + 1).trim().split(/\s+/);
  return names.map((name) => path.resolve(projectDirectory, name));
}
