// A bootable CD with GRUB (multiboot2), as a user would write to a USB stick.

import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { run } from "../build/process.ts";
import type { BootImage } from "./types.ts";

/** Writes the ISO image `output`. */
export async function makeIso(image: BootImage, output: string): Promise<void> {
  const root = mkdtempSync(path.join(tmpdir(), "bulkhead-iso-"));
  try {
    mkdirSync(path.join(root, "boot/grub"), { recursive: true });
    copyFileSync(image.kernel, path.join(root, "boot/bulkhead.elf"));
    image.modules.forEach((module, index) => copyFileSync(module.path, path.join(root, "boot", moduleFile(index))));
    writeFileSync(path.join(root, "boot/grub/grub.cfg"), grubConfiguration(image));
    await run("grub-mkrescue", ["-o", output, root], "See the message above; grub-mkrescue needs xorriso, mtools and grub-pc-bin.");
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

function moduleFile(index: number): string {
  return `module${index}`;
}

function grubConfiguration(image: BootImage): string {
  const modules = image.modules.map(({ name }, index) => `  module2 /boot/${moduleFile(index)} ${name}`);
  return ["set timeout=0", "menuentry Bulkhead {", `  multiboot2 /boot/bulkhead.elf ${image.commandLine}`, ...modules, "  boot", "}", ""].join("\n");
}
