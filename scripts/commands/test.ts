// `bulkhead test`

import { spawn } from "node:child_process";
import { once } from "node:events";
import { rmSync } from "node:fs";
import path from "node:path";
import { build } from "../build/build.ts";
import { projectPath, reportDirectory } from "../build/paths.ts";
import { run } from "../build/process.ts";
import { ensureGuests } from "../guests/guests.ts";
import { projectDirectory } from "../policy/project.ts";
import { ensurePrograms } from "../setup/setup.ts";

const TSC = path.join(projectDirectory, "node_modules/typescript/bin/tsc");
const VITEST = path.join(projectDirectory, "node_modules/vitest/vitest.mjs");

/** Builds, checks the types of scripts and tests, then runs vitest; `filters` are parts of test file names. Results go to build/report/tests.json as well. */
export async function testCommand(filters: string[], options: { project?: string }): Promise<void> {
  const report = path.join(reportDirectory, "tests.json");
  rmSync(report, { force: true });
  ensurePrograms("test");
  await build();
  if (options.project === undefined || options.project === "boot") await ensureGuests();
  await run(process.execPath, [TSC, "-p", "tsconfig.json"], "Correct the types named above.");
  const args = [VITEST, "run", "--reporter=default", "--reporter=json", `--outputFile.json=${projectPath(report)}`];
  if (options.project !== undefined) args.push("--project", options.project);
  const vitest = spawn(process.execPath, [...args, ...filters], { cwd: projectDirectory, stdio: "inherit" });
  const [status] = (await once(vitest, "exit")) as [number | null];
  process.exitCode = status ?? 1;
}
