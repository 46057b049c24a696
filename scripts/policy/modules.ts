// The files that the boot loader hands over after policy.bin, numbered from 1; equal files are handed over once, unless a
// partition may write one.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import path from "node:path";

/** What a module is made of: a file, or bytes that the compiler made, with a name for them. */
export type ModuleSource = string | { name: string; bytes: Buffer };

export interface Module {
  number: number;
  /** Name of its file without folder. */
  name: string;
  /** The file that the module is a copy of, or its bytes. */
  content: string | Buffer;
  /** Bytes. */
  size: number;
}

export class ModuleList {
  readonly modules: Module[] = [];
  readonly #numbers = new Map<string, number>();

  /** Number of the module that holds these bytes. */
  add(source: ModuleSource): number {
    const bytes = moduleBytes(source);
    const digest = createHash("sha256").update(bytes).digest("hex");
    const known = this.#numbers.get(digest);
    if (known !== undefined) return known;
    const number = this.addWritable(source);
    this.#numbers.set(digest, number);
    return number;
  }

  /** Number of a module of its own with these bytes, for a partition that may change them. */
  addWritable(source: ModuleSource): number {
    const number = this.modules.length + 1;
    const size = moduleBytes(source).length;
    this.modules.push(typeof source === "string" ? { number, name: path.basename(source), content: source, size } : { number, name: source.name, content: source.bytes, size });
    return number;
  }
}

export function moduleBytes(source: ModuleSource): Buffer {
  return typeof source === "string" ? readFileSync(source) : source.bytes;
}
