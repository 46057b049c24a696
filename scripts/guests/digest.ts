// Digest of a set of files, to tell whether what is made of them must be made again.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

export function digestOf(files: string[]): string {
  const hash = createHash("sha256");
  for (const file of files) {
    const bytes = readFileSync(file);
    hash.update(`${file.length}:${file}:${bytes.length}:`).update(bytes);
  }
  return hash.digest("hex");
}
