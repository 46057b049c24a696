// Writes an image to a device and reads it back.

import { closeSync, constants, fsyncSync, openSync, readSync, writeSync } from "node:fs";
import { UserError } from "../error.ts";

const CHUNK = 4 << 20;

/** Copies the image and waits until the device has it all. Opened exclusively: Linux refuses a device that is in use. */
export function writeImage(image: string, device: string): void {
  const source = openSync(image, "r");
  try {
    const target = openDevice(device, constants.O_WRONLY | constants.O_EXCL);
    try {
      forEachChunk(source, (bytes, offset) => writeAll(target, bytes, offset));
      fsyncSync(target);
    } catch (error) {
      throw deviceError(device, "could not be written", error);
    } finally {
      closeSync(target);
    }
  } finally {
    closeSync(source);
  }
}

/** Throws UserError with the first offset at which the device differs from the image. */
export function verifyImage(image: string, device: string): void {
  const source = openSync(image, "r");
  const target = openDevice(device, constants.O_RDONLY);
  const found = Buffer.alloc(CHUNK);
  try {
    forEachChunk(source, (bytes, offset) => {
      const length = readChunk(target, found, offset, device, bytes.length);
      const difference = firstDifference(bytes, found.subarray(0, length));
      if (difference === -1) return;
      throw new UserError(`${device} did not keep the image: byte ${offset + difference} differs`, "The device is worn out or counterfeit; use another one.");
    });
  } finally {
    closeSync(target);
    closeSync(source);
  }
}

function readChunk(target: number, found: Buffer, offset: number, device: string, length: number): number {
  try {
    return readSync(target, found, 0, length, offset);
  } catch (error) {
    throw deviceError(device, "could not be read back", error);
  }
}

function forEachChunk(source: number, take: (bytes: Buffer, offset: number) => void): void {
  const buffer = Buffer.alloc(CHUNK);
  for (let offset = 0; ; ) {
    const length = readSync(source, buffer, 0, CHUNK, offset);
    if (length === 0) return;
    take(buffer.subarray(0, length), offset);
    offset += length;
  }
}

function writeAll(target: number, bytes: Buffer, offset: number): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(target, bytes, done, bytes.length - done, offset + done);
}

/** -1 if equal; a device that ends early differs where it ends. */
function firstDifference(wanted: Buffer, found: Buffer): number {
  if (wanted.equals(found)) return -1;
  const at = wanted.findIndex((byte, index) => byte !== found[index]);
  return at === -1 ? found.length : at;
}

function openDevice(device: string, flags: number): number {
  try {
    return openSync(device, flags);
  } catch (error) {
    throw deviceError(device, "could not be opened", error);
  }
}

function deviceError(device: string, what: string, error: unknown): UserError {
  const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
  const remedies: Record<string, string> = {
    EACCES: "Run it as root: sudo npx bulkhead flash DEVICE IMAGE",
    EPERM: "Run it as root: sudo npx bulkhead flash DEVICE IMAGE",
    EBUSY: "Something uses the device: unmount it, and close what else has it open (`lsblk DEVICE` shows it).",
  };
  return new UserError(`${device} ${what}: ${code}`, remedies[code] ?? "Plug the device in again, or use another one.");
}
