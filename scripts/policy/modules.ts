// The files that the boot loader hands over after policy.bin, numbered from 1; equal files are handed over once.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

export interface Module {
  number: number;
  /** The file that the module is a copy of. */
  source: string;
  /** Bytes. */
  size: number;
}

export class ModuleList {
  readonly modules: Module[] = [];
  readonly #numbers = new Map<string, number>();

  /** Number of the module that holds this file's bytes. */
  add(file: string): number {
    const bytes = readFileSync(file);
    const digest = createHash("sha256").update(bytes).digest("hex");
    const known = this.#numbers.get(digest);
    if (known !== undefined) return known;
    const number = this.modules.length + 1;
    this.modules.push({ number, source: file, size: bytes.length });
    this.#numbers.set(digest, number);
    return number;
  }
}
