// A folder of its own for each run of an emulator.

import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { projectDirectory } from "../policy/project.ts";

const RUNS = path.join(projectDirectory, "build/runs");

export function makeRunFolder(emulator: string): string {
  mkdirSync(RUNS, { recursive: true });
  return mkdtempSync(path.join(RUNS, `${emulator}-`));
}

export function removeRunFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}

/** Content of a file of the run, empty if the emulator did not come to write it. */
export function readIfPresent(file: string): string {
  try {
    return readFileSync(file, "latin1");
  } catch {
    return "";
  }
}
