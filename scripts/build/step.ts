// A step of the build runs only when something that it depends on has changed.
//
// After a step its stamp (build/stamps/NAME.json) records the hash of its settings, of every file it read and of
// every file it wrote. The step is skipped while all of them are still the same, so touched or copied files and
// changed clocks rebuild nothing. A file edited while the step ran never counts as the same.

import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { projectDirectory } from "../policy/project.ts";
import { whenProcessorFree } from "./parallel.ts";
import { projectPath, stampDirectory } from "./paths.ts";
import type { Progress } from "./progress.ts";

export interface Step {
  /** Name of the stamp. */
  name: string;
  /** What is shown while it runs, such as "compile kernel". */
  title: string;
  /** Flags and versions; a change runs the step again. */
  settings: unknown;
  outputs: string[];
  /** Does the work; returns the files that it read. */
  run(): Promise<string[]>;
}

interface Stamp {
  settings: string;
  inputs: Record<string, string>;
  outputs: Record<string, string>;
}

/** Runs the step if needed; true if it ran. */
export async function runStep(step: Step, progress: Progress): Promise<boolean> {
  const stampFile = path.join(stampDirectory, `${step.name}.json`);
  const settings = hash(JSON.stringify(step.settings));
  if (isCurrent(stampFile, settings, step.outputs)) {
    progress.skipped(step.title);
    return false;
  }
  rmSync(stampFile, { force: true });
  for (const output of step.outputs) mkdirSync(path.dirname(output), { recursive: true });
  progress.started(step.title);
  const begun = Date.now();
  const inputs = await whenProcessorFree(() => step.run());
  const stamp: Stamp = { settings, inputs: { ...hashFiles(inputs), ...editedSince(begun, inputs) }, outputs: hashFiles(step.outputs) };
  mkdirSync(stampDirectory, { recursive: true });
  writeFileSync(stampFile, JSON.stringify(stamp, null, 1));
  progress.finished(step.title);
  return true;
}

function isCurrent(stampFile: string, settings: string, outputs: string[]): boolean {
  if (!existsSync(stampFile)) return false;
  const stamp = JSON.parse(readFileSync(stampFile, "utf8")) as Stamp;
  if (stamp.settings !== settings) return false;
  if (outputs.some((output) => stamp.outputs[projectPath(output)] === undefined)) return false;
  return Object.entries({ ...stamp.inputs, ...stamp.outputs }).every(([file, digest]) => hashFile(path.join(projectDirectory, file)) === digest);
}

function hashFiles(files: string[]): Record<string, string> {
  const sorted = [...new Set(files.map(projectPath))].sort();
  return Object.fromEntries(sorted.map((file) => [file, hashFile(path.join(projectDirectory, file))]));
}

function editedSince(time: number, files: string[]): Record<string, string> {
  const edited = files.filter((file) => (statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0) >= time);
  return Object.fromEntries(edited.map((file) => [projectPath(file), "edited"]));
}

const MISSING = "missing";
const known = new Map<string, { modified: number; size: number; digest: string }>();

/** SHA-256 of a file's content, remembered for this process while the file's time and size stay. */
function hashFile(file: string): string {
  const information = statSync(file, { throwIfNoEntry: false });
  if (information === undefined) return MISSING;
  const entry = known.get(file);
  if (entry !== undefined && entry.modified === information.mtimeMs && entry.size === information.size) return entry.digest;
  const digest = hash(readFileSync(file));
  known.set(file, { modified: information.mtimeMs, size: information.size, digest });
  return digest;
}

function hash(content: string | Buffer): string {
  return createHash("sha256").update(content).digest("hex");
}
