// `bulkhead image SYSTEM`

import { statSync } from "node:fs";
import { build } from "../build/build.ts";
import { makeSystemImage } from "../image/system-image.ts";
import { checkOutput, defaultOutput } from "../image/output.ts";
import { compileSystem } from "../policy/compile.ts";
import { displayPath, findSystemFile } from "../policy/load.ts";
import { ensurePrograms } from "../setup/setup.ts";

export interface ImageOptions {
  /** File for the image. */
  output?: string;
}

const MEBIBYTE = 0x100000;

export async function imageCommand(name: string, options: ImageOptions): Promise<void> {
  findSystemFile(name); // a wrong name or output is told before a minute of building
  if (options.output !== undefined) checkOutput(options.output);
  ensurePrograms("image");
  await build();
  const system = await compileSystem(name);
  const output = options.output ?? defaultOutput(system.name);
  const firmware = await makeSystemImage(system, output);
  const size = (statSync(output).size / MEBIBYTE).toFixed(1);
  process.stderr.write(`${displayPath(output)} (${size} MiB) starts ${system.name} under ${firmware.join(" and ")}, from a CD, a disk or a USB stick.\n`);
  process.stderr.write(`Write it to a stick with: npx bulkhead flash /dev/DEVICE ${displayPath(output)}\n`);
}
