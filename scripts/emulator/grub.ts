// A hybrid image with GRUB (multiboot2): starts from a CD, a disk or a USB stick, under BIOS, and under UEFI where GRUB for EFI is
// installed when it is made.

import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { run } from "../build/process.ts";
import type { BootImage } from "./types.ts";

/** Firmware that can start what makeIso() writes, by the GRUB that it needs. */
export type Firmware = "bios" | "uefi";

const GRUB_FOLDERS: Record<Firmware, string> = { bios: "/usr/lib/grub/i386-pc", uefi: "/usr/lib/grub/x86_64-efi" };

/** The firmware that an image made now supports. */
export function supportedFirmware(exists: (file: string) => boolean = existsSync): Firmware[] {
  return (["bios", "uefi"] as const).filter((firmware) => exists(path.join(GRUB_FOLDERS[firmware], "multiboot2.mod")));
}

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

/** A linear framebuffer is handed over under UEFI, and under BIOS where VBE has one (Multiboot2 3.1.10). */
const GRAPHICS = ["insmod all_video", "set gfxpayload=1024x768x32,1024x768,auto"];

function grubConfiguration(image: BootImage): string {
  const modules = image.modules.map(({ name }, index) => `  module2 /boot/${moduleFile(index)} ${name}`);
  const menu = ["menuentry Bulkhead {", `  multiboot2 /boot/bulkhead.elf ${image.commandLine}`, ...modules, "  boot", "}"];
  return ["set timeout=0", ...GRAPHICS, ...menu, ""].join("\n");
}
