// Finds the files of a partition's image and checks that they fit its memory.

import { existsSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { ImageKind, LOW_MEMORY_LIMIT } from "../../monitor/interface.ts";
import { UserError } from "../error.ts";
import { ensureGuests } from "../guests/guests.ts";
import { ensureKernel, isKernelName } from "../guests/kernels.ts";
import { existingFile } from "./existing-file.ts";
import { imageEnd, isBzImage, isElf64 } from "./extent.ts";
import { resolveFirmware } from "./firmware-image.ts";
import { resolveGuest } from "./guest-images.ts";
import { displayPath } from "./load.ts";
import type { ModuleSource } from "./modules.ts";
import { projectDirectory } from "./project.ts";
import type { Image, Partition } from "./schema.ts";
import { formatSize } from "./size.ts";

/** A partition's image as files. */
export interface ImageFiles {
  kind: ImageKind;
  kernel: ModuleSource;
  /** Initial RAM disk, or the bundle of a multiboot image's modules; null: none. */
  ramDisk: ModuleSource | null;
  commandLine: string;
}

/** Resolves the image of partition `index` in `systemFile`; fetches Debian's kernel when it is asked for. */
export async function resolveImage(partition: Partition, index: number, systemFile: string): Promise<ImageFiles> {
  const { image } = partition;
  if (image.kind === "bios" || image.kind === "uefi") return resolveFirmware(partition, image, index, systemFile);
  if (image.kind !== "linux" && image.kind !== "typescript") return resolveGuest(partition, image, index, systemFile);
  const files = image.kind === "linux" ? await resolveLinux(image, partition.disk !== undefined, index, systemFile) : resolveTypescript(image, index, systemFile);
  checkFits(partition, index, files, displayPath(systemFile));
  return files;
}

/** Linux or a partition in TypeScript: its images are files. */
type PlainFiles = ImageFiles & { kernel: string; ramDisk: string | null };

async function resolveLinux(image: Image & { kind: "linux" }, hasDisk: boolean, index: number, systemFile: string): Promise<PlainFiles> {
  const field = `${displayPath(systemFile)}: partitions[${index}].image`;
  return {
    kind: image.boot === "pvh" ? ImageKind.Pvh : ImageKind.BzImage,
    kernel: await resolveKernel(image, systemFile, field),
    ramDisk: await resolveRamDisk(image.initramfs, hasDisk, systemFile, field),
    commandLine: image.commandLine,
  };
}

async function resolveKernel(image: Image & { kind: "linux" }, systemFile: string, field: string): Promise<string> {
  if (image.kernel === "debian-cloud") {
    const guests = await ensureGuests();
    return image.boot === "pvh" ? guests.vmlinux : guests.bzImage;
  }
  if (isKernelName(image.kernel)) {
    const kernel = await ensureKernel(image.kernel);
    return image.boot === "pvh" ? kernel.vmlinux : kernel.bzImage;
  }
  const file = existingFile(image.kernel, systemFile, `${field}.kernel`);
  checkBoot(image.boot, readFileSync(file), file, field);
  return file;
}

function checkBoot(boot: "pvh" | "bzimage", kernel: Buffer, file: string, field: string): void {
  if (boot === "pvh" && isBzImage(kernel)) {
    throw new UserError(`${field}.boot is "pvh", but ${file} is a bzImage`, 'Write boot: "bzimage", or name the vmlinux.');
  }
  if (boot === "bzimage" && isElf64(kernel)) {
    throw new UserError(`${field}.boot is "bzimage", but ${file} is an ELF file`, 'Write boot: "pvh", or name the vmlinuz.');
  }
}

/** The demo has the drivers of a disk where there is one. */
async function resolveRamDisk(initramfs: string, hasDisk: boolean, systemFile: string, field: string): Promise<string | null> {
  if (initramfs === "none") return null;
  if (initramfs === "demo") return (await ensureGuests())[hasDisk ? "diskInitramfs" : "initramfs"];
  return existingFile(initramfs, systemFile, `${field}.initramfs`);
}

function resolveTypescript(image: Image & { kind: "typescript" }, index: number, systemFile: string): PlainFiles {
  const kernel = path.join(projectDirectory, "build/partitions", `${image.name}.elf`);
  const field = `${displayPath(systemFile)}: partitions[${index}].image`;
  if (!existsSync(path.join(projectDirectory, "partitions", image.name, "main.ts"))) {
    throw new UserError(`${field} is typescript("${image.name}"), but there is no partitions/${image.name}/main.ts`, "Name a folder of partitions/.");
  }
  if (!existsSync(kernel)) {
    throw new UserError(`${field} is typescript("${image.name}"), which is not built: no ${displayPath(kernel)}`, "Run `npm run build`.");
  }
  return { kind: ImageKind.Pvh, kernel, ramDisk: null, commandLine: image.commandLine };
}

function checkFits(partition: Partition, index: number, files: PlainFiles, systemFile: string): void {
  const imageSize = imageEnd(readFileSync(files.kernel), files.kernel);
  const ramDiskSize = files.ramDisk === null ? 0 : statSync(files.ramDisk).size;
  const needed = imageSize + ramDiskSize;
  const lowMemory = Math.min(partition.memory, Number(LOW_MEMORY_LIMIT));
  if (needed <= lowMemory) return;
  const remedy = Math.ceil(needed / 2 ** 20 / 2) * 2;
  throw new UserError(
    `${systemFile}: partitions[${index}].memory ("${partition.name}") is ${formatSize(partition.memory)}, but its image needs ${Math.ceil(needed / 2 ** 20)} MiB`,
    `Write at least "${remedy} MiB", or name a smaller image.`,
  );
}
