// A disk image that a PC boots, whether its firmware is a BIOS or UEFI: GRUB, Debian's cloud kernel and its initramfs, and memtest86+. Nothing of
// this needs root: the file system is made by mtools, GRUB's images are put where its installer puts them.

import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { linuxCommandLine } from "../../examples/linux-command-line.ts";
import { withBuildLock } from "../build/lock.ts";
import { UserError } from "../error.ts";
import { run } from "./debian.ts";
import { digestOf } from "./digest.ts";
import { ensureGuests, guestsDirectory } from "./guests.ts";
import { ensureMemtest } from "./memtest.ts";

const TIMEOUT_MS = 60_000;
const SECTOR = 512;
/** Of the only partition; GRUB's core image lies between it and the boot sector. */
const FIRST_SECTOR = 2048;
const MEBIBYTE = 2 ** 20;

/** Master boot record (UEFI specification 5.2.1). */
const PARTITION_ENTRY = 0x1be;
const PARTITION_ENTRY_END = 0x1fe;
const ACTIVE = 0x80;
/** EFI system partition, which a BIOS does not look at. */
const TYPE_EFI_SYSTEM = 0xef;

const MODULES = ["part_msdos", "fat", "normal", "configfile", "test", "linux", "serial", "terminal", "echo", "reboot", "halt"];
const GRUB = "/usr/lib/grub";
const CONFIGURATION_FOLDER = "/boot/grub";

/** On the serial console; without what a virtual machine has not: a memory controller to ask and a cache to measure. */
const MEMTEST_OPTIONS = "console=ttyS0,115200 nosmp nobench nosm";

const EARLY_CONFIGURATION = `search.file /boot/vmlinuz root
set prefix=($root)${CONFIGURATION_FOLDER}
`;

interface Programs {
  bzImage: string;
  initramfs: string;
  memtest: string;
}

/** GRUB without a screen: its menu is on COM1, which under UEFI is the firmware's own console. It waits for a key. */
function menu(): string {
  const entry = (title: string, commandLine: string): string =>
    `menuentry "${title}" {\n  echo "grub: ${title}"\n  linux /boot/vmlinuz ${commandLine}\n  initrd /boot/initrd\n}\n`;
  return [
    "set timeout=-1",
    'if [ "$grub_platform" = pc ]; then',
    "  serial --unit=0 --speed=115200",
    "  terminal_input serial",
    "  terminal_output serial",
    "fi",
    entry("Linux, then power off", linuxCommandLine("bulkhead_after=power-off")),
    entry("Linux with a shell", linuxCommandLine()),
    `if [ "$grub_platform" = pc ]; then\n  menuentry "memtest86+" {\n    linux /boot/memtest ${MEMTEST_OPTIONS}\n  }\nfi\n`,
    'menuentry "Reboot" {\n  reboot\n}\n',
  ].join("\n");
}

/** Path of the image; makes it when its parts have changed. Throws UserError. */
export async function ensureBootDisk(): Promise<string> {
  const { bzImage, initramfs } = await ensureGuests();
  const programs = { bzImage, initramfs, memtest: await ensureMemtest() };
  return withBuildLock(async () => {
    const file = path.join(guestsDirectory, "boot-disk.img");
    const digestFile = `${file}.digest`;
    const digest = `${digestOf([fileURLToPath(import.meta.url), ...Object.values(programs)])} ${menu()}`;
    if (existsSync(file) && existsSync(digestFile) && readFileSync(digestFile, "utf8") === digest) return file;
    makeBootDisk(file, programs);
    writeFileSync(digestFile, digest);
    return file;
  });
}

function makeBootDisk(file: string, programs: Programs): void {
  const work = path.join(guestsDirectory, "boot-disk");
  rmSync(work, { recursive: true, force: true });
  mkdirSync(work, { recursive: true });
  writeFileSync(path.join(work, "early.cfg"), EARLY_CONFIGURATION);
  writeFileSync(path.join(work, "grub.cfg"), menu());
  const core = makeCore(work, "i386-pc", "core.img", ["biosdisk"]);
  const application = makeCore(work, "x86_64-efi", "bootx64.efi", ["efi_gop"]);
  const contents = [application, ...Object.values(programs)].reduce((sum, part) => sum + statSync(part).size, 0);
  const size = Math.ceil((contents * 1.05) / MEBIBYTE + 4) * MEBIBYTE;
  const temporary = path.join(work, "disk.img");
  writeFileSync(temporary, bootArea(readFileSync(core), size));
  makeFileSystem(temporary, size, programs, work, application);
  renameSync(temporary, file);
}

/** GRUB with what it needs to find its configuration. */
function makeCore(work: string, platform: string, name: string, modules: string[]): string {
  if (!existsSync(path.join(GRUB, platform, "modinfo.sh"))) {
    const debianPackage = platform === "i386-pc" ? "grub-pc-bin" : "grub-efi-amd64-bin";
    throw new UserError(`GRUB for ${platform} is not installed`, `Install Debian's package ${debianPackage}: \`npm run bulkhead -- setup\`.`);
  }
  const file = path.join(work, name);
  const options = ["-O", platform, "-d", path.join(GRUB, platform), "-c", path.join(work, "early.cfg"), "-p", CONFIGURATION_FOLDER, "-o", file];
  run("grub-mkimage", [...options, ...modules, ...MODULES, "search", "search_fs_file"], TIMEOUT_MS);
  return file;
}

/** Boot sector with the partition table, then GRUB's core image, where the boot sector looks for it by itself. */
function bootArea(core: Buffer, size: number): Buffer {
  if (core.length > (FIRST_SECTOR - 1) * SECTOR) throw new Error(`GRUB's core image has ${core.length} bytes`);
  const image = Buffer.alloc(size);
  readFileSync(path.join(GRUB, "i386-pc/boot.img")).copy(image);
  image.fill(0, PARTITION_ENTRY, PARTITION_ENTRY_END);
  image[PARTITION_ENTRY] = ACTIVE;
  image[PARTITION_ENTRY + 4] = TYPE_EFI_SYSTEM;
  image.writeUInt32LE(FIRST_SECTOR, PARTITION_ENTRY + 8);
  image.writeUInt32LE(size / SECTOR - FIRST_SECTOR, PARTITION_ENTRY + 12);
  core.copy(image, SECTOR);
  return image;
}

function makeFileSystem(image: string, size: number, programs: Programs, work: string, application: string): void {
  const drive = `${image}@@${FIRST_SECTOR * SECTOR}`;
  run("mformat", ["-i", drive, "-T", String(size / SECTOR - FIRST_SECTOR), "-h", "16", "-s", "63", "-H", String(FIRST_SECTOR), "-v", "BULKHEAD", "::"], TIMEOUT_MS);
  run("mmd", ["-i", drive, "::/boot", "::/boot/grub", "::/EFI", "::/EFI/BOOT"], TIMEOUT_MS);
  const files: [string, string][] = [
    [programs.bzImage, "/boot/vmlinuz"],
    [programs.initramfs, "/boot/initrd"],
    [programs.memtest, "/boot/memtest"],
    [path.join(work, "grub.cfg"), `${CONFIGURATION_FOLDER}/grub.cfg`],
    [application, "/EFI/BOOT/BOOTX64.EFI"],
  ];
  for (const [source, target] of files) run("mcopy", ["-i", drive, source, `::${target}`], TIMEOUT_MS);
}
