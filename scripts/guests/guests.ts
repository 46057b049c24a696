// Guests made of Debian's packages: the cloud kernel and an initramfs around busybox. Nothing is installed on this
// machine: packages are downloaded and unpacked below build/guests, once.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { withBuildLock } from "../build/lock.ts";
import { projectDirectory } from "../policy/project.ts";
import { extractVmlinux } from "./bzimage.ts";
import { downloadPackage, resolveDependency, unpackPackage } from "./debian.ts";
import { buildInitramfs, initramfsSources } from "./initramfs.ts";
import { digestOf } from "./digest.ts";
import { fetchOrRefresh } from "./fetch.ts";

/** Absolute paths of the guests' files. */
export interface GuestPaths {
  /** Debian's package, such as "linux-image-6.1.0-56-cloud-amd64". */
  kernelPackage: string;
  /** The kernel as ELF, for the PVH boot. */
  vmlinux: string;
  /** The kernel as Debian ships it. */
  bzImage: string;
  initramfs: string;
  /** The same with the drivers of the virtual disk, which mounts it. */
  diskInitramfs: string;
}

type Report = (message: string) => void;

/** Where guests are kept. */
export const guestsDirectory = path.join(projectDirectory, "build/guests");
const manifestFile = path.join(guestsDirectory, "manifest.json");

/** In the order in which they need each other; Debian builds them as modules. */
const DISK_DRIVERS = ["virtio/virtio_ring", "virtio/virtio", "virtio/virtio_pci_modern_dev", "virtio/virtio_pci_legacy_dev", "virtio/virtio_pci", "block/virtio_blk"];

interface Manifest {
  kernelPackage: string;
  bzImage: string;
  vmlinux: string;
  busybox: string;
}

/** The kernel's modules that drive the virtual disk, in the order in which they are loaded. */
function diskDrivers({ bzImage, kernelPackage }: Manifest): string[] {
  const drivers = path.join(path.dirname(bzImage), "../lib/modules", kernelPackage.replace(/^linux-image-/, ""), "kernel/drivers");
  return DISK_DRIVERS.map((name) => path.join(drivers, `${name}.ko`));
}

/** Fetches and builds what is missing; does nothing when all is there. Throws UserError. */
export async function ensureGuests(report: Report = reportToStderr): Promise<GuestPaths> {
  return withBuildLock(async () => {
    const manifest = readManifest() ?? fetchOrRefresh(() => fetchPackages(report), report);
    const initramfs = path.join(guestsDirectory, "initramfs.cpio");
    const diskInitramfs = path.join(guestsDirectory, "initramfs-disk.cpio");
    ensureInitramfs(manifest.busybox, [], initramfs, report);
    ensureInitramfs(manifest.busybox, diskDrivers(manifest), diskInitramfs, report);
    return { kernelPackage: manifest.kernelPackage, vmlinux: manifest.vmlinux, bzImage: manifest.bzImage, initramfs, diskInitramfs };
  });
}

function readManifest(): Manifest | null {
  if (!existsSync(manifestFile)) return null;
  const manifest = JSON.parse(readFileSync(manifestFile, "utf8")) as Manifest;
  const files = [manifest.bzImage, manifest.vmlinux, manifest.busybox];
  return files.every((file) => typeof file === "string" && existsSync(file)) ? manifest : null;
}

function fetchPackages(report: Report): Manifest {
  const kernelPackage = resolveDependency("linux-image-cloud-amd64");
  report(`guests: downloading ${kernelPackage} and busybox-static from Debian (28 MB, once)`);
  const kernelTree = unpackPackage(downloadPackage(kernelPackage, guestsDirectory));
  const busyboxTree = unpackPackage(downloadPackage("busybox-static", guestsDirectory));

  const bzImage = path.join(kernelTree, "boot", kernelPackage.replace(/^linux-image-/, "vmlinuz-"));
  const vmlinux = path.join(kernelTree, "boot/vmlinux");
  report("guests: unpacking vmlinux from the bzImage");
  writeFileSync(vmlinux, extractVmlinux(readFileSync(bzImage), bzImage));

  const manifest: Manifest = { kernelPackage, bzImage, vmlinux, busybox: path.join(busyboxTree, "bin/busybox") };
  writeFileSync(manifestFile, `${JSON.stringify(manifest, null, 2)}\n`);
  return manifest;
}

function ensureInitramfs(busybox: string, drivers: string[], file: string, report: Report): void {
  const digestFile = `${file}.digest`;
  const digest = digestOf([busybox, ...drivers, ...initramfsSources()]);
  if (existsSync(file) && existsSync(digestFile) && readFileSync(digestFile, "utf8") === digest) return;
  report("guests: building the initramfs");
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, buildInitramfs(busybox, drivers, guestsDirectory));
  writeFileSync(digestFile, digest);
}

export function reportToStderr(message: string): void {
  process.stderr.write(`${message}\n`);
}
