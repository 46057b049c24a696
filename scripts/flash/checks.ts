// What an image may be written to, and what counts as an image.

import { closeSync, openSync, readSync, statSync } from "node:fs";
import { UserError } from "../error.ts";
import type { BlockDevice } from "./device.ts";

/** ISO 9660: the identifier of the first volume descriptor. PC: the signature of a boot sector. */
const VOLUME_IDENTIFIER = { offset: 0x8001, text: "CD001" };
const BOOT_SIGNATURE = { offset: 510, text: "\x55\xaa" };

/** Bytes of the image; throws UserError unless it is one that a stick can start from. */
export function checkImage(file: string): number {
  const remedy = "Make one with `npx bulkhead image SYSTEM`; the first argument of flash is the device, the second the image.";
  const facts = statSync(file, { throwIfNoEntry: false });
  if (facts === undefined) throw new UserError(`no file ${file}`, remedy);
  if (!facts.isFile()) throw new UserError(`${file} is not a plain file`, remedy);
  if (!hasText(file, VOLUME_IDENTIFIER) || !hasText(file, BOOT_SIGNATURE)) throw new UserError(`${file} is not a hybrid boot image`, remedy);
  return facts.size;
}

function hasText(file: string, { offset, text }: { offset: number; text: string }): boolean {
  const handle = openSync(file, "r");
  try {
    const bytes = Buffer.alloc(text.length);
    return readSync(handle, bytes, 0, text.length, offset) === text.length && bytes.toString("latin1") === text;
  } finally {
    closeSync(handle);
  }
}

/** Throws UserError, with every reason at once, unless an image of this size may be written to the device. */
export function checkDevice(device: BlockDevice, imageSize: number): void {
  const refusals = [...refusalsOf(device, imageSize)];
  if (refusals.length === 0) return;
  throw new UserError(refusals.map(([reason]) => `${device.path} ${reason}`).join("\n"), refusals.flatMap(([, remedy]) => remedy ?? []).join("\n"));
}

/** Null where another refusal's remedy is the one to follow. */
type Refusal = [reason: string, remedy: string | null];

function* refusalsOf(device: BlockDevice, imageSize: number): Generator<Refusal> {
  if (device.type === "part") yield ["is a partition, but the image has a partition table of its own", `Name the whole disk, ${device.parent ?? "which the partition lies on"}.`];
  if (!device.removable) yield ["is not removable", "Name a USB stick or a memory card; `lsblk -o PATH,RM,TRAN,SIZE,MODEL` shows which those are."];
  if (device.readOnly) yield ["is read-only", "Undo the write protection, often a switch at its side."];
  if (device.mountPoints.length > 0) yield [`is in use: ${device.mountPoints.join(", ")}`, device.removable ? device.mountPoints.map(release).join("\n") : null];
  if (device.size < imageSize) yield [`is too small: ${device.size} bytes for an image of ${imageSize}`, "Use a larger one."];
}

function release(mountPoint: string): string {
  return mountPoint === "[SWAP]" ? "sudo swapoff --all" : `sudo umount '${mountPoint}'`;
}
