// Runs the programs of the tool-chain.

import { spawn } from "node:child_process";
import path from "node:path";
import { UserError } from "../error.ts";
import { projectDirectory } from "../policy/project.ts";

export interface Finished {
  status: number;
  stdout: string;
  stderr: string;
}

/** Runs a program in the project's folder and collects its output; a missing program is a UserError. */
export function capture(program: string, args: readonly string[]): Promise<Finished> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd: projectDirectory, stdio: ["ignore", "pipe", "pipe"] });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on("data", (bytes: Buffer) => stdout.push(bytes));
    child.stderr.on("data", (bytes: Buffer) => stderr.push(bytes));
    child.on("error", () => reject(new UserError(`${program} could not be started`, "Run `npx bulkhead setup`, which installs what is missing.")));
    child.on("close", (status) => resolve({ status: status ?? 1, stdout: text(stdout), stderr: text(stderr) }));
  });
}

/** Runs a program that must succeed; returns its standard output. Its messages go on to the user as they are. */
export async function run(program: string, args: readonly string[], remedy: string): Promise<string> {
  const finished = await capture(program, args);
  if (finished.status === 0) return finished.stdout;
  const messages = (finished.stderr + finished.stdout).trim();
  throw new UserError(`${path.basename(program)} failed with status ${finished.status}\n${messages}`, remedy);
}

function text(parts: Buffer[]): string {
  return Buffer.concat(parts).toString("utf8");
}
