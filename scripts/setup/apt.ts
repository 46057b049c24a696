// apt-get as root: directly, or with sudo.

import type { Host } from "./host.ts";

/** Words before `apt-get` that make it run as root; null if there is no way. In a terminal sudo may ask for the password. */
export function elevation(host: Host): string[] | null {
  if (host.isRoot()) return [];
  if (!host.has("sudo")) return null;
  const sudo = host.hasTerminal() ? [] : ["-n"];
  return host.run("sudo", [...sudo, "true"]) ? ["sudo", ...sudo] : null;
}

/** True if apt-get succeeds; its messages go to the user. */
export function runApt(host: Host, elevate: readonly string[], args: readonly string[]): boolean {
  const [program = "env", ...words] = [...elevate, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "-o", "Dpkg::Use-Pty=0", ...args];
  return host.run(program, words);
}

/** `apt-get update`; false if it failed or root's rights cannot be had. */
export function refreshPackageLists(host: Host): boolean {
  const elevate = elevation(host);
  return elevate !== null && runApt(host, elevate, ["update"]);
}
