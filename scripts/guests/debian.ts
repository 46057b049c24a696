// Debian packages, downloaded and unpacked without installing them. None of this needs root.

import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, rmSync } from "node:fs";
import path from "node:path";
import { UserError } from "../error.ts";

const DOWNLOAD_TIMEOUT_MS = 10 * 60 * 1000;
const COMMAND_TIMEOUT_MS = 2 * 60 * 1000;

/** The first package that a meta package depends on, such as the kernel behind linux-image-cloud-amd64. */
export function resolveDependency(metaPackage: string): string {
  const output = run("apt-cache", ["depends", "--important", metaPackage], COMMAND_TIMEOUT_MS);
  const match = /^\s*Depends: (\S+)/m.exec(output);
  if (match !== null) return match[1]!;
  throw new UserError(`apt knows no package ${metaPackage}`, "Run `apt-get update` as root on Debian 12, then try again.");
}

/** Downloads a package's newest version into `directory`; returns the .deb file. */
export function downloadPackage(name: string, directory: string): string {
  const target = path.join(directory, "packages", name);
  rmSync(target, { recursive: true, force: true });
  mkdirSync(target, { recursive: true });
  // apt drops to the user _apt, who may not be able to write here.
  run("apt-get", ["-o", "APT::Sandbox::User=root", "-q", "download", name], DOWNLOAD_TIMEOUT_MS, target);
  const file = readdirSync(target).find((entry) => entry.endsWith(".deb"));
  if (file !== undefined) return path.join(target, file);
  throw new UserError(`apt-get download ${name} left no .deb file in ${target}`, "Run `apt-get update` as root, then try again.");
}

/** Unpacks a .deb next to itself; returns the folder of its files. */
export function unpackPackage(file: string): string {
  const tree = path.join(path.dirname(file), "files");
  rmSync(tree, { recursive: true, force: true });
  run("dpkg-deb", ["-x", file, tree], COMMAND_TIMEOUT_MS);
  rmSync(file);
  return tree;
}

/** Runs a program and returns its output; throws UserError when it fails. */
export function run(program: string, parameters: string[], timeout: number, directory?: string): string {
  const result = spawnSync(program, parameters, { cwd: directory, timeout, encoding: "utf8", env: { ...process.env, LC_ALL: "C" } });
  if (result.status === 0) return result.stdout;
  const command = [program, ...parameters].join(" ");
  if (result.error !== undefined && "code" in result.error && result.error.code === "ENOENT") {
    throw new UserError(`${program} is not installed`, `Guests come from Debian's packages: use Debian 12, or install ${program}.`);
  }
  const reason = result.error?.message ?? (result.stderr.trim() || `exit status ${result.status}`);
  throw new UserError(`\`${command}\` failed: ${reason}`, "Check the network; if apt's lists are old, run `apt-get update` as root; then try again.");
}
