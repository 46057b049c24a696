// The programs and files from outside npm that Bulkhead needs, and where Debian has them.

/** What a command needs: to build, to boot as well, to make images for real machines, or to run all tests. */
export type Purpose = "build" | "boot" | "image" | "test";

export interface Requirement {
  /** Program on the PATH, or the full path of a file. */
  name: string;
  debianPackage: string;
  purpose: Purpose;
  /** What it is for, in a few words. */
  reason: string;
}

export const REQUIREMENTS: readonly Requirement[] = [
  { name: "clang", debianPackage: "clang", purpose: "build", reason: "compiles the generated C" },
  { name: "ld.lld", debianPackage: "lld", purpose: "build", reason: "links the kernel image" },
  { name: "llvm-nm", debianPackage: "llvm", purpose: "build", reason: "lists the functions for fault messages" },
  { name: "llvm-objdump", debianPackage: "llvm", purpose: "build", reason: "reads the machine code for the audit" },
  { name: "llvm-objcopy", debianPackage: "llvm", purpose: "boot", reason: "makes flat binaries for the benchmarks" },
  { name: "bochs", debianPackage: "bochs", purpose: "boot", reason: "the emulator with VMX" },
  { name: "/usr/share/bochs/BIOS-bochs-latest", debianPackage: "bochsbios", purpose: "boot", reason: "BIOS of Bochs" },
  { name: "/usr/share/bochs/VGABIOS-lgpl-latest", debianPackage: "vgabios", purpose: "boot", reason: "VGA BIOS of Bochs" },
  { name: "qemu-system-x86_64", debianPackage: "qemu-system-x86", purpose: "boot", reason: "the emulator where the host has nested VMX" },
  { name: "grub-mkrescue", debianPackage: "grub-common", purpose: "boot", reason: "makes the boot image" },
  { name: "/usr/lib/grub/i386-pc/multiboot2.mod", debianPackage: "grub-pc-bin", purpose: "boot", reason: "GRUB for BIOS machines" },
  { name: "xorriso", debianPackage: "xorriso", purpose: "boot", reason: "writes the boot image" },
  { name: "mformat", debianPackage: "mtools", purpose: "boot", reason: "makes the boot image where GRUB for EFI is installed too" },
  { name: "/usr/share/seabios/bios-256k.bin", debianPackage: "seabios", purpose: "boot", reason: "BIOS of guests" },
  { name: "apt-get", debianPackage: "apt", purpose: "boot", reason: "downloads the guests' packages" },
  { name: "dpkg-deb", debianPackage: "dpkg", purpose: "boot", reason: "unpacks the guests' packages" },
  { name: "/usr/lib/grub/x86_64-efi/multiboot2.mod", debianPackage: "grub-efi-amd64-bin", purpose: "image", reason: "GRUB for UEFI machines" },
  { name: "lsblk", debianPackage: "util-linux", purpose: "image", reason: "tells which device an image may be written to" },
  { name: "/usr/share/OVMF/OVMF_CODE_4M.fd", debianPackage: "ovmf", purpose: "test", reason: "UEFI firmware for QEMU and for guests" },
  { name: "/usr/include/stdio.h", debianPackage: "libc6-dev", purpose: "test", reason: "builds the program that checks the instruction decoder" },
  { name: "cpio", debianPackage: "cpio", purpose: "test", reason: "reads the initramfs that the tests make" },
  { name: "lz4", debianPackage: "lz4", purpose: "test", reason: "packs kernels for the tests of unpacking" },
  { name: "xz", debianPackage: "xz-utils", purpose: "test", reason: "packs kernels for the tests of unpacking" },
  { name: "zstd", debianPackage: "zstd", purpose: "test", reason: "unpacks Debian's kernel 6.12" },
];

/** Each purpose needs what those before it need. */
const PURPOSES: readonly Purpose[] = ["build", "boot", "image", "test"];

/** What is missing for the purpose, as `has` tells. */
export function missingRequirements(purpose: Purpose, has: (name: string) => boolean): Requirement[] {
  const purposes = PURPOSES.slice(0, PURPOSES.indexOf(purpose) + 1);
  return REQUIREMENTS.filter((requirement) => purposes.includes(requirement.purpose) && !has(requirement.name));
}

/** Those of `missing` that this purpose needs and none before it. */
export function missingFor(purpose: Purpose, missing: readonly Requirement[]): Requirement[] {
  return missing.filter((requirement) => requirement.purpose === purpose);
}
