// Builds scripts/emulator/option-rom for Bochs.

import { existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { run } from "../build/process.ts";
import { projectDirectory } from "../policy/project.ts";

const SOURCE = path.join(projectDirectory, "scripts/emulator/option-rom/option-rom.S");
const SCRIPT = path.join(projectDirectory, "scripts/emulator/option-rom/option-rom.ld");
const FOLDER = path.join(projectDirectory, "build/option-rom");
const ROM = path.join(FOLDER, "option-rom.bin");

/** Path of the ROM, which is built when its source is newer. */
export async function optionRom(): Promise<string> {
  if (isCurrent()) return ROM;
  mkdirSync(FOLDER, { recursive: true });
  // Two runs may build at once: each writes files of its own and renames the finished one.
  const base = path.join(FOLDER, `option-rom.${process.pid}`);
  const remedy = "Correct scripts/emulator/option-rom/option-rom.S.";
  await run("clang", ["--target=x86_64-elf", "-c", SOURCE, "-o", `${base}.o`], remedy);
  await run("ld.lld", ["-T", SCRIPT, "--oformat", "binary", "-o", `${base}.bin`, `${base}.o`], remedy);
  writeFileSync(`${base}.bin`, withChecksum(readFileSync(`${base}.bin`)));
  renameSync(`${base}.bin`, ROM);
  return ROM;
}

function isCurrent(): boolean {
  if (!existsSync(ROM)) return false;
  const built = statSync(ROM).mtimeMs;
  return [SOURCE, SCRIPT].every((file) => statSync(file).mtimeMs <= built);
}

/** The BIOS runs a ROM only if its bytes add up to 0; the last one is kept free for that. */
function withChecksum(rom: Buffer): Buffer {
  const sum = rom.subarray(0, -1).reduce((total, byte) => total + byte, 0);
  rom[rom.length - 1] = (0x100 - (sum & 0xff)) & 0xff;
  return rom;
}
