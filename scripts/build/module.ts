// From AssemblyScript to C: compile, audit, wasm2c.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { UserError } from "../error.ts";
import { projectDirectory } from "../policy/project.ts";
import type { ModuleName } from "../audit/audit-module.ts";
import type { Target } from "./assemblyscript.ts";
import { generatedDirectory, moduleDirectory, projectPath, reportDirectory } from "./paths.ts";
import { capture, run } from "./process.ts";
import type { Step } from "./step.ts";
import { packageVersion } from "./versions.ts";

export interface ModuleFiles {
  /** Prefix of the generated C names: w2c_PREFIX_... */
  prefix: string;
  optimised: string;
  unoptimised: string;
  /** Generated C and its header. */
  c: string;
  header: string;
}

/** Files of a module; `folder` below build/wasm and build/gen keeps the partitions apart. */
export function moduleFiles(name: string, folder = ""): ModuleFiles {
  return {
    prefix: modulePrefix(name),
    optimised: path.join(moduleDirectory, folder, `${name}.wasm`),
    unoptimised: path.join(moduleDirectory, folder, `${name}.unoptimised.wasm`),
    c: path.join(generatedDirectory, folder, `${name}.c`),
    header: path.join(generatedDirectory, folder, `${name}.h`),
  };
}

/** boot/monitor-call.S stands between: the kernel imports w2c_monitor_X and w2c_console_X, which call w2c_sandbox_X and w2c_terminal_X. */
const PREFIXES: Readonly<Record<string, string>> = { monitor: "sandbox", console: "terminal" };

export function modulePrefix(name: string): string { return PREFIXES[name] ?? name; }

/** asc: `entry` relative to the project's folder. */
export function compileStep(label: string, entry: string, target: Target, files: ModuleFiles): Step {
  const base = files.optimised.replace(/\.wasm$/, "");
  const configuration = path.join(projectDirectory, "asconfig.json");
  return {
    name: `compile-${label}`,
    title: `compile ${label}`,
    settings: { target, entry, assemblyscript: packageVersion("assemblyscript") },
    outputs: [files.optimised, files.unoptimised],
    async run() {
      await runWorker("assemblyscript/asc", "compile-worker.ts", [entry, target, base], "Correct the source at the file and line named above.");
      const sources = JSON.parse(readFileSync(`${base}.sources.json`, "utf8")) as string[];
      return [...sources, configuration];
    },
  };
}

/** The part of the audit that reads the WebAssembly module; see scripts/audit. */
export function auditStep(name: ModuleName, files: ModuleFiles): Step {
  const report = moduleReport(name);
  return {
    name: `audit-${name}`,
    title: `audit ${name}`,
    settings: { binaryen: packageVersion("binaryen") },
    outputs: [report],
    async run() {
      await runWorker("binaryen", "audit-worker.ts", [name, files.unoptimised, files.optimised, report], "Change the functions named above; the rules are in scripts/audit/rules/.");
      return [files.optimised, files.unoptimised, ...filesBelow(path.join(projectDirectory, "scripts/audit"), ".ts")];
    },
  };
}

/** Which function uses which import, for the report. */
export function moduleReport(name: ModuleName): string {
  return path.join(reportDirectory, `${name}.imports.json`);
}

/** wasm2c of npm's wabt. */
export function translateStep(label: string, files: ModuleFiles): Step {
  const wasm2c = path.join(projectDirectory, "node_modules/wabt/bin/wasm2c");
  return {
    name: `translate-${label}`,
    title: `translate ${label} to C`,
    settings: { wabt: packageVersion("wabt"), prefix: files.prefix },
    outputs: [files.c, files.header],
    async run() {
      await run(process.execPath, [wasm2c, files.optimised, "--module-name", files.prefix, "--output", projectPath(files.c)], "Report this with the module: wasm2c should accept what asc made.");
      return [files.optimised];
    },
  };
}

/** Runs one of the build's child processes; see worker.mjs. Its messages become the error's. */
async function runWorker(packageName: string, file: string, args: readonly string[], remedy: string): Promise<void> {
  const folder = import.meta.dirname;
  const finished = await capture(process.execPath, [path.join(folder, "worker.mjs"), packageName, path.join(folder, file), ...args]);
  if (finished.status !== 0) throw new UserError(finished.stderr.trim(), remedy);
}

/** All files below a folder with this ending, sorted; none if the folder does not exist. */
export function filesBelow(folder: string, ending: string): string[] {
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder, { recursive: true, encoding: "utf8" });
  return names.filter((name) => name.endsWith(ending)).sort().map((name) => path.join(folder, name));
}
