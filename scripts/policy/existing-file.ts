import { existsSync, statSync } from "node:fs";
import path from "node:path";
import { UserError } from "../error.ts";

/** Absolute path of a file named in a system file; `field` is for the message if there is none. */
export function existingFile(name: string, systemFile: string, field: string): string {
  const file = path.resolve(path.dirname(systemFile), name);
  if (existsSync(file) && statSync(file).isFile()) return file;
  throw new UserError(`${field} is "${name}", but there is no file ${file}`, "Give a path from the folder of the system file.");
}
