// Installs what is missing of the programs outside npm, on Debian and with the right to do so; else says what to install.

import { UserError } from "../error.ts";
import { elevation, runApt } from "./apt.ts";
import { thisHost, type Host } from "./host.ts";
import { missingRequirements, type Purpose, type Requirement } from "./programs.ts";

/** Makes sure that all programs are there. Prints nothing when they are; throws UserError when they cannot be had. */
export function ensurePrograms(purpose: Purpose, host: Host = thisHost): void {
  const missing = missingRequirements(purpose, host.has);
  if (missing.length === 0) return;
  if (!host.isDebian()) {
    throw new UserError(`programs are missing, and this is not Debian:\n${list(missing)}`, "Install them with this system's package manager; the names in brackets are Debian's packages.");
  }
  const packages = [...new Set(missing.map(({ debianPackage }) => debianPackage))].sort();
  const install = ["install", "--yes", "--no-install-recommends", ...packages];
  host.say(`Debian packages are missing:\n${list(missing)}`);
  const elevate = elevation(host);
  if (elevate === null) throw new UserError("installing Debian packages needs root", `Run this as root, then start again:\napt-get update && apt-get ${install.join(" ")}`);
  host.say(`Installing ${packages.join(", ")}.`);
  apt(host, elevate, ["update"]);
  apt(host, elevate, install);
  const still = missingRequirements(purpose, host.has);
  if (still.length > 0) throw new UserError(`still missing after apt-get:\n${list(still)}`, "Correct the sources of apt (Debian 12, main), then run this again.");
}

function list(missing: readonly Requirement[]): string {
  return missing.map(({ name, debianPackage, reason }) => `  ${name} (${debianPackage}): ${reason}`).join("\n");
}

function apt(host: Host, elevate: readonly string[], args: readonly string[]): void {
  if (!runApt(host, elevate, args)) throw new UserError(`apt-get ${args[0]} failed; its messages are above`, "Make the Debian mirror reachable, then run this again.");
}
