// Further kernels of Debian's: the real-time one, and the newest long-term one for Debian 12. Fetched once, when a system names one. apt
// checks Debian's signatures; the archive is named here, so that it need not be among this machine's own.

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { withBuildLock } from "../build/lock.ts";
import { UserError } from "../error.ts";
import { extractVmlinux } from "./bzimage.ts";
import { run } from "./debian.ts";
import { guestsDirectory, reportToStderr } from "./guests.ts";

export interface LinuxKernel {
  /** As ELF, for the PVH boot. */
  vmlinux: string;
  bzImage: string;
}

interface Source {
  suite: string;
  /** A meta package, which depends on the kernel's. */
  metaPackage: string;
  /** MB. */
  size: number;
}

const SOURCES: Readonly<Record<string, Source>> = {
  "debian-rt": { suite: "bookworm", metaPackage: "linux-image-rt-amd64", size: 71 },
  "debian-6.12": { suite: "bookworm-backports", metaPackage: "linux-image-cloud-amd64", size: 34 },
};
const ARCHIVE = "http://deb.debian.org/debian";
const KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg";
const DOWNLOAD_TIMEOUT_MS = 10 * 60_000;

/** Names that a system may give for a kernel, besides "debian-cloud". */
export function isKernelName(name: string): boolean {
  return name in SOURCES;
}

/** Fetches the kernel unless it is there. Throws UserError. */
export async function ensureKernel(name: string, report = reportToStderr): Promise<LinuxKernel> {
  const folder = path.join(guestsDirectory, "kernels", name);
  const kernel = { vmlinux: path.join(folder, "vmlinux"), bzImage: path.join(folder, "vmlinuz") };
  if (existsSync(kernel.vmlinux)) return kernel;
  return withBuildLock(async () => {
    if (!existsSync(kernel.vmlinux)) fetchKernel(sourceOf(name), folder, kernel, report);
    return kernel;
  });
}

function sourceOf(name: string): Source {
  const source = SOURCES[name];
  if (source !== undefined) return source;
  throw new UserError(`there is no kernel ${name}`, `Name one of ${Object.keys(SOURCES).join(", ")}.`);
}

function fetchKernel(source: Source, folder: string, kernel: LinuxKernel, report: typeof reportToStderr): void {
  rmSync(folder, { recursive: true, force: true });
  const apt = aptOf(source, folder);
  report(`guests: downloading ${source.metaPackage} of ${source.suite} from Debian (${source.size} MB, once)`);
  apt("apt-get", "-q", "update");
  const name = /^\s*Depends: (linux-image-\S+)/m.exec(apt("apt-cache", "depends", "--important", source.metaPackage))?.[1];
  if (name === undefined) throw new UserError(`${source.suite} has no ${source.metaPackage}`, "Try again later: Debian's archive may be under change.");
  apt("apt-get", "-q", "download", name);
  const archive = readdirSync(folder).find((file) => file.endsWith(".deb"));
  if (archive === undefined) throw new UserError(`apt-get download ${name} left no .deb file`, "Try again.");
  writeFileSync(kernel.bzImage, takeFile(path.join(folder, archive), `./boot/${name.replace(/^linux-image-/, "vmlinuz-")}`));
  // The ELF file comes last and at once: without it the kernel does not count.
  writeFileSync(`${kernel.vmlinux}.new`, extractVmlinux(readFileSync(kernel.bzImage), kernel.bzImage));
  renameSync(`${kernel.vmlinux}.new`, kernel.vmlinux);
  for (const file of readdirSync(folder)) if (!/^vmlinu/.test(file)) rmSync(path.join(folder, file), { recursive: true });
}

/** apt with a state of its own below `folder` and this one source. */
function aptOf({ suite }: Source, folder: string): (program: string, ...parameters: string[]) => string {
  for (const name of ["lists/partial", "cache/archives/partial"]) mkdirSync(path.join(folder, name), { recursive: true });
  const sources = path.join(folder, "sources.list");
  writeFileSync(sources, `deb [arch=amd64 signed-by=${KEYRING}] ${ARCHIVE} ${suite} main\n`);
  const settings = {
    "Dir::Etc::sourcelist": sources, "Dir::Etc::sourceparts": "/dev/null", "Dir::State::lists": path.join(folder, "lists"), "Dir::Cache": path.join(folder, "cache"),
    "APT::Sandbox::User": "root", "Acquire::Languages": "none",
  };
  const options = Object.entries(settings).flatMap(([name, value]) => ["-o", `${name}=${value}`]);
  return (program, ...parameters) => run(program, [...options, ...parameters], DOWNLOAD_TIMEOUT_MS, folder);
}

/** One file of a .deb; its modules, hundreds of megabytes, are not unpacked. */
function takeFile(archive: string, file: string): Buffer {
  const result = spawnSync("sh", ["-c", 'dpkg-deb --fsys-tarfile "$1" | tar -xOf - "$2"', "sh", archive, file], { maxBuffer: 512 * 1024 * 1024, timeout: DOWNLOAD_TIMEOUT_MS });
  if (result.status === 0 && result.stdout.length > 0) return result.stdout;
  throw new UserError(`${archive} has no ${file}: ${result.stderr.toString().trim()}`, "Delete the file and try again.");
}
