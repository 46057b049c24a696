// Where an image is written.

import { accessSync, constants, existsSync, mkdirSync, statSync } from "node:fs";
import path from "node:path";
import { buildDirectory } from "../build/paths.ts";
import { UserError } from "../error.ts";

/** build/images/NAME.iso. */
export function defaultOutput(name: string): string {
  const folder = path.join(buildDirectory, "images");
  mkdirSync(folder, { recursive: true });
  return path.join(folder, `${name}.iso`);
}

/** Throws UserError unless a plain file can be written there: a device is what `bulkhead flash` is for. */
export function checkOutput(file: string): void {
  if (existsSync(file) && !statSync(file).isFile()) {
    throw new UserError(`-o ${file} is not a plain file`, `Name a file such as ${path.basename(file)}.iso; \`npx bulkhead flash DEVICE IMAGE\` writes it to a device.`);
  }
  const folder = path.dirname(path.resolve(file));
  try {
    accessSync(folder, constants.W_OK);
  } catch {
    throw new UserError(`-o ${file}: the folder ${folder} is missing or cannot be written`, "Make the folder, or name another one.");
  }
}
