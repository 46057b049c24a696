// Compiles AssemblyScript files for tests as the kernel is compiled, and keeps the result until a source changes.

import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import path from "node:path";
import { compileAssemblyScript, type Target } from "../../../scripts/build/assemblyscript.ts";
import { buildDirectory } from "../../../scripts/build/paths.ts";
import { projectDirectory } from "../../../scripts/policy/project.ts";
import { withLock } from "../../../scripts/build/lock.ts";

const cacheDirectory = path.join(buildDirectory, "tests");
/** What decides about the result besides the sources. */
const SETTINGS = ["asconfig.json", "package-lock.json"];

/** The module of `entry`, a path from the project's folder such as tests/fixtures/floor/entry.ts. */
export async function compileEntry(entry: string, target: Target = "kernel"): Promise<WebAssembly.Module> {
  const name = path.join(cacheDirectory, entry.replace(/\.ts$/, "").replaceAll("/", "-"));
  mkdirSync(cacheDirectory, { recursive: true });
  const compileUnlessDone = async (): Promise<Uint8Array> => readCached(name) ?? (await compile(name, entry, target));
  const binary = readCached(name) ?? (await withLock(`${name}.lock`, compileUnlessDone));
  return new WebAssembly.Module(Uint8Array.from(binary));
}

async function compile(name: string, entry: string, target: Target): Promise<Uint8Array> {
  const { optimised, sources } = await compileAssemblyScript(entry, target);
  const files = [...sources.map((file) => path.relative(projectDirectory, file)), ...SETTINGS];
  writeFileSync(`${name}.wasm`, optimised);
  // The record comes last and at once: without it the module does not count.
  writeFileSync(`${name}.json.new`, JSON.stringify({ files, hash: hashOf(files) }));
  renameSync(`${name}.json.new`, `${name}.json`);
  return optimised;
}

function readCached(name: string): Uint8Array | undefined {
  try {
    const { files, hash } = JSON.parse(readFileSync(`${name}.json`, "utf8")) as { files: string[]; hash: string };
    return hashOf(files) === hash ? readFileSync(`${name}.wasm`) : undefined;
  } catch {
    return undefined; // never compiled, or a source is gone
  }
}

/** Of files named from the project's folder, so that a copy of it looks at its own. */
function hashOf(files: string[]): string {
  const hash = createHash("sha256");
  for (const file of files) hash.update(file).update("\0").update(readFileSync(path.join(projectDirectory, file))).update("\0");
  return hash.digest("hex");
}
