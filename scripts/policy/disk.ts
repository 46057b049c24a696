// Finds the image of a partition's virtual disk and checks its size.

import { statSync } from "node:fs";
import { UserError } from "../error.ts";
import { ensureBootDisk } from "../guests/boot-disk.ts";
import { ensureDemoDisk } from "../guests/disk.ts";
import { existingFile } from "./existing-file.ts";
import { displayPath } from "./load.ts";
import type { Disk } from "./schema.ts";

/** Bytes of a sector, the unit of a block device. */
const SECTOR = 512;

/** Absolute path of the image of the disk of partition `index`, null without a disk; makes those that have a name. */
export async function resolveDisk(disk: Disk | undefined, index: number, systemFile: string): Promise<string | null> {
  if (disk === undefined) return null;
  if (disk.file === "demo") return ensureDemoDisk();
  if (disk.file === "boot") return ensureBootDisk();
  const field = `${displayPath(systemFile)}: partitions[${index}].disk`;
  const file = existingFile(disk.file, systemFile, field);
  const { size } = statSync(file);
  if (size > 0 && size % SECTOR === 0) return file;
  throw new UserError(
    `${field} is "${disk.file}", which has ${size} bytes: not a positive multiple of ${SECTOR}`,
    `Make it longer: \`truncate -s ${Math.max(1, Math.ceil(size / SECTOR)) * SECTOR} ${file}\`, or name another file.`,
  );
}
