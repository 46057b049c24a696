// Finds a system file, loads it and checks it.

import { existsSync, readdirSync, statSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { tsImport } from "tsx/esm/api";
import type { z } from "zod";
import { UserError } from "../error.ts";
import { checkSystem } from "./checks.ts";
import { projectDirectory } from "./project.ts";
import { systemSchema, type System } from "./schema.ts";

const examplesDirectory = path.join(projectDirectory, "examples");

/** Names of the systems in examples/. */
export function exampleNames(): string[] {
  return readdirSync(examplesDirectory)
    .filter((name) => existsSync(path.join(examplesDirectory, name, "system.ts")))
    .sort();
}

/** The file of a system given as the name of an example, a file, or a folder with system.ts. */
export function findSystemFile(pathOrName: string): string {
  const candidates = [path.join(examplesDirectory, pathOrName, "system.ts"), path.resolve(pathOrName, "system.ts"), path.resolve(pathOrName)];
  const found = candidates.find((candidate) => existsSync(candidate) && statSync(candidate).isFile());
  if (found !== undefined) return found;
  throw new UserError(`no system "${pathOrName}"`, `Name one of examples/ (${exampleNames().join(", ")}) or the path of a system file.`);
}

/** Imports a system file and checks everything that needs no image. */
export async function loadSystem(file: string): Promise<System> {
  const shown = displayPath(file);
  return checkDescription(await importDefault(file, shown), shown);
}

/** Checks a system and fills in its defaults; `file` is for the messages. */
export function checkDescription(value: unknown, file: string): System {
  const system = parseSystem(value, file);
  checkSystem(system, file);
  return system;
}

function parseSystem(value: unknown, file: string): System {
  const result = systemSchema.safeParse(value);
  if (result.success) return result.data;
  throw new UserError(result.error.issues.flatMap((issue) => describeIssue(issue, value, file)).join("\n"), `Correct the fields named above in ${file}.`);
}

/** A path as a user would type it: from the working directory where the file lies below it. */
export function displayPath(file: string): string {
  const relative = path.relative(process.cwd(), file);
  return relative.startsWith("..") ? file : relative;
}

async function importDefault(file: string, shown: string): Promise<unknown> {
  let module: Module;
  try {
    module = await importFile(file);
  } catch (error) {
    throw new UserError(`${shown}: ${error instanceof Error ? error.message : String(error)}`, "Correct the file; it is ordinary TypeScript.");
  }
  if (module.default !== undefined) return module.default;
  throw new UserError(`${shown}: no default export`, "Write `export default system({ ... })`.");
}

interface Module {
  default?: unknown;
}

/** A file outside the project may lie where Node takes TypeScript for CommonJS; its exports are then in `default`. */
async function importFile(file: string): Promise<Module> {
  const address = pathToFileURL(file).href;
  if (!path.relative(projectDirectory, file).startsWith("..")) return (await import(address)) as Module;
  const module = (await tsImport(address, import.meta.url)) as Module;
  const inner = module.default;
  return typeof inner === "object" && inner !== null && "__esModule" in inner ? (inner as Module) : module;
}

function describeIssue(issue: z.core.$ZodIssue, root: unknown, file: string): string[] {
  const describe = (keys: readonly PropertyKey[], message: string): string => `${file}: ${fieldName(keys)} is ${describeValue(valueAt(root, keys))}: ${message}`;
  if (issue.code === "unrecognized_keys") return issue.keys.map((key) => describe([...issue.path, key], "there is no such field"));
  return [describe(issue.path, issue.message)];
}

function fieldName(keys: readonly PropertyKey[]): string {
  const name = keys.map((key, index) => (typeof key === "number" ? `[${key}]` : `${index === 0 ? "" : "."}${String(key)}`)).join("");
  return name || "system";
}

function valueAt(root: unknown, keys: readonly PropertyKey[]): unknown {
  let value = root;
  for (const key of keys) {
    if (typeof value !== "object" || value === null) return undefined;
    value = (value as Record<PropertyKey, unknown>)[key];
  }
  return value;
}

function describeValue(value: unknown): string {
  if (value === undefined) return "missing";
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
