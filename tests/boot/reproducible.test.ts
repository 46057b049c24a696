// Two builds of the same sources, in different folders, give the same bytes.

import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { kernelElf } from "../../scripts/build/paths.ts";
import { projectDirectory } from "../../scripts/policy/project.ts";

const BUILD_TIMEOUT = 300_000;
const SOURCES = ["asconfig.json", "boot", "console", "drivers", "kernel", "monitor", "package.json", "package-lock.json", "partitions", "planner", "scripts", "tsconfig.json"];

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), "bulkhead-second-build-"));
  for (const source of SOURCES) cpSync(path.join(projectDirectory, source), path.join(folder, source), { recursive: true });
  mkdirSync(path.join(folder, "build"));
  symlinkSync(path.join(projectDirectory, "node_modules"), path.join(folder, "node_modules"));
  execFileSync(process.execPath, ["--import", "tsx", "scripts/cli.ts", "build"], { cwd: folder, timeout: BUILD_TIMEOUT });
}, BUILD_TIMEOUT);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

test.each([path.relative(projectDirectory, kernelElf), "build/partitions/clock.elf"])("%s", (file) => {
  expect(readFileSync(path.join(folder, file)).equals(readFileSync(path.join(projectDirectory, file)))).toBe(true);
});
