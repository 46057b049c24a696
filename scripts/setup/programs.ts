// The programs and files from outside npm that Bulkhead needs, and where Debian has them.

import { accessSync, constants, existsSync } from "node:fs";
import path from "node:path";

/** What a command needs: to build, or to boot as well. */
export type Purpose = "build" | "boot";

export interface Requirement {
  /** Program on the PATH, or the full path of a file. */
  name: string;
  debianPackage: string;
  purpose: Purpose;
  /** What it is for, in a few words. */
  reason: string;
}

const REQUIREMENTS: readonly Requirement[] = [
  { name: "clang", debianPackage: "clang", purpose: "build", reason: "compiles the generated C" },
  { name: "ld.lld", debianPackage: "lld", purpose: "build", reason: "links the kernel image" },
  { name: "llvm-nm", debianPackage: "llvm", purpose: "build", reason: "lists the functions for fault messages" },
  { name: "llvm-objdump", debianPackage: "llvm", purpose: "build", reason: "reads the machine code for the audit" },
  { name: "bochs", debianPackage: "bochs", purpose: "boot", reason: "the emulator with VMX" },
  { name: "/usr/share/bochs/BIOS-bochs-latest", debianPackage: "bochsbios", purpose: "boot", reason: "BIOS of Bochs" },
  { name: "/usr/share/bochs/VGABIOS-lgpl-latest", debianPackage: "vgabios", purpose: "boot", reason: "VGA BIOS of Bochs" },
  { name: "qemu-system-x86_64", debianPackage: "qemu-system-x86", purpose: "boot", reason: "the emulator where the host has nested VMX" },
  { name: "grub-mkrescue", debianPackage: "grub-common", purpose: "boot", reason: "makes the boot image" },
  { name: "/usr/lib/grub/i386-pc/multiboot2.mod", debianPackage: "grub-pc-bin", purpose: "boot", reason: "GRUB for BIOS machines" },
  { name: "xorriso", debianPackage: "xorriso", purpose: "boot", reason: "writes the boot image" },
  { name: "dpkg-deb", debianPackage: "dpkg", purpose: "boot", reason: "unpacks the guests' packages" },
];

/** What is missing on this machine for the purpose; booting needs what building needs. */
export function missingRequirements(purpose: Purpose): Requirement[] {
  return REQUIREMENTS.filter((requirement) => (purpose === "boot" || requirement.purpose === "build") && !isPresent(requirement.name));
}

function isPresent(name: string): boolean {
  if (path.isAbsolute(name)) return existsSync(name);
  return (process.env["PATH"] ?? "").split(path.delimiter).some((folder) => isExecutable(path.join(folder, name)));
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
