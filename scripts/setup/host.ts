// What set-up asks of the machine that it runs on.

import { spawnSync } from "node:child_process";
import { accessSync, constants, existsSync, readFileSync } from "node:fs";
import path from "node:path";

export interface Host {
  /** True if there is the program on the PATH, or the file of that full path. */
  has(name: string): boolean;
  isDebian(): boolean;
  isRoot(): boolean;
  /** Somebody can type a password. */
  hasTerminal(): boolean;
  /** Runs a program with this terminal, its output on standard error; true if it ends with status 0. */
  run(program: string, args: readonly string[]): boolean;
  say(text: string): void;
}

export const thisHost: Host = {
  has: (name) => (path.isAbsolute(name) ? existsSync(name) : searchPath().some((folder) => isExecutable(path.join(folder, name)))),
  isDebian: () => existsSync("/etc/os-release") && /^ID="?debian"?$/m.test(readFileSync("/etc/os-release", "utf8")),
  isRoot: () => process.getuid?.() === 0,
  hasTerminal: () => process.stdin.isTTY === true,
  run: (program, args) => spawnSync(program, args, { stdio: ["inherit", 2, 2] }).status === 0,
  say: (text) => process.stderr.write(`${text}\n`),
};

function searchPath(): string[] {
  return (process.env["PATH"] ?? "").split(path.delimiter).filter((folder) => folder !== "");
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
