// memtest86+ as Debian ships it, a guest that exercises its partition's memory. It starts by Linux's boot protocols.

import { existsSync } from "node:fs";
import path from "node:path";
import { withBuildLock } from "../build/lock.ts";
import { downloadPackage, unpackPackage } from "./debian.ts";
import { fetchOrRefresh } from "./fetch.ts";
import { guestsDirectory, reportToStderr } from "./guests.ts";

const PACKAGE = "memtest86+";
const FILE = "boot/memtest86+x64.bin";

/** Path of the program, for linux({ kernel: PATH, boot: "bzimage", initramfs: "none" }); fetches it once. Needs a partition of 6 MiB or more. Throws UserError. */
export async function ensureMemtest(report = reportToStderr): Promise<string> {
  const file = path.join(guestsDirectory, "packages", PACKAGE, "files", FILE);
  if (existsSync(file)) return file;
  return withBuildLock(async () => fetchOrRefresh(() => fetchPackage(report), report));
}

function fetchPackage(report: typeof reportToStderr): string {
  report(`guests: downloading ${PACKAGE} from Debian (0.1 MB, once)`);
  return path.join(unpackPackage(downloadPackage(PACKAGE, guestsDirectory)), FILE);
}
