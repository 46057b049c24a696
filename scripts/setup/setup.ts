// Installs what is missing of the programs outside npm, on Debian and with the right to do so; else says what to install.

import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { UserError } from "../error.ts";
import { missingRequirements, type Purpose, type Requirement } from "./programs.ts";

/** Makes sure that all programs are there. Prints nothing when they are; throws UserError when they cannot be had. */
export function ensurePrograms(purpose: Purpose): void {
  const missing = missingRequirements(purpose);
  if (missing.length === 0) return;
  if (!isDebian()) throw new UserError(`programs are missing:\n${list(missing)}`, "Install them with this system's package manager; the names are Debian's.");
  const packages = [...new Set(missing.map(({ debianPackage }) => debianPackage))].sort();
  const elevate = elevation();
  if (elevate === null) {
    throw new UserError(`Debian packages are missing, and installing them needs root:\n${list(missing)}`, `Run this as root:\n${command([], "update")} && ${command(packages, "install")}`);
  }
  process.stderr.write(`Installing the Debian packages ${packages.join(", ")}:\n${list(missing)}\n`);
  apt(elevate, ["update"]);
  apt(elevate, ["install", "--yes", "--no-install-recommends", ...packages]);
  const still = missingRequirements(purpose);
  if (still.length > 0) throw new UserError(`still missing after apt-get:\n${list(still)}`, "Correct the sources of apt (Debian 12, main), then run this again.");
}

function list(missing: readonly Requirement[]): string {
  return missing.map(({ name, debianPackage, reason }) => `  ${name} (${debianPackage}): ${reason}`).join("\n");
}

function command(packages: readonly string[], verb: "update" | "install"): string {
  return verb === "update" ? "apt-get update" : `apt-get install --yes --no-install-recommends ${packages.join(" ")}`;
}

function isDebian(): boolean {
  try {
    return /^ID(_LIKE)?=.*debian/m.test(readFileSync("/etc/os-release", "utf8"));
  } catch {
    return false;
  }
}

/** Words before apt-get that make it run as root; null if there is no way. In a terminal sudo may ask for the password. */
function elevation(): string[] | null {
  if (process.getuid?.() === 0) return [];
  const sudo = process.stdin.isTTY ? ["sudo"] : ["sudo", "-n"];
  const [program = "sudo", ...options] = sudo;
  return spawnSync(program, [...options, "true"], { stdio: "inherit" }).status === 0 ? sudo : null;
}

function apt(elevate: readonly string[], args: readonly string[]): void {
  const [program = "apt-get", ...words] = [...elevate, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", ...args];
  const { status } = spawnSync(program, words, { stdio: ["inherit", 2, 2] });
  if (status !== 0) throw new UserError(`apt-get ${args[0]} failed; its messages are above`, "Make the Debian mirror reachable, then run this again.");
}
