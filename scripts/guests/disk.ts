// The demo's disk image: an ext4 file system with one file, made by mke2fs.

import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { withBuildLock } from "../build/lock.ts";
import { run } from "./debian.ts";
import { digestOf } from "./digest.ts";
import { guestsDirectory } from "./guests.ts";

/** What the disk's only file says. */
const GREETING = "hello from the disk\n";
const SIZE = "4M";
const TIMEOUT_MS = 60_000;

/** Path of the image; makes it once. Throws UserError. */
export async function ensureDemoDisk(): Promise<string> {
  return withBuildLock(async () => {
    const file = path.join(guestsDirectory, "disk.img");
    const digestFile = `${file}.digest`;
    const digest = digestOf([fileURLToPath(import.meta.url)]);
    if (existsSync(file) && existsSync(digestFile) && readFileSync(digestFile, "utf8") === digest) return file;
    makeDisk(file);
    writeFileSync(digestFile, digest);
    return file;
  });
}

function makeDisk(file: string): void {
  const tree = path.join(guestsDirectory, "disk");
  rmSync(tree, { recursive: true, force: true });
  mkdirSync(tree, { recursive: true });
  writeFileSync(path.join(tree, "hello.txt"), GREETING);
  const temporary = `${file}.${process.pid}`;
  rmSync(temporary, { force: true });
  run("mke2fs", ["-q", "-t", "ext4", "-O", "^has_journal", "-E", "root_owner=0:0,lazy_itable_init=0", "-d", tree, temporary, SIZE], TIMEOUT_MS);
  renameSync(temporary, file);
}
