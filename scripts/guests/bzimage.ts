// The ELF kernel inside a bzImage (Documentation/arch/x86/boot.rst, "The Real-Mode Kernel Header").

import { spawnSync } from "node:child_process";
import { gunzipSync } from "node:zlib";
import { UserError } from "../error.ts";
import { isBzImage, isElf64 } from "../policy/extent.ts";
import { decompressLegacyLz4, isLegacyLz4 } from "./lz4.ts";

const SETUP_SECTORS = 0x1f1; // u8, 512 bytes each, the boot sector not counted
const PAYLOAD_OFFSET = 0x248; // u32, from the start of the protected-mode code
const PAYLOAD_LENGTH = 0x24c; // u32, the last four bytes being the size of the ELF kernel
const MAXIMUM_KERNEL = 512 * 1024 * 1024;

/** Unpacks the kernel; `file` is for the messages. */
export function extractVmlinux(bzImage: Buffer, file: string): Buffer {
  if (!isBzImage(bzImage)) throw new UserError(`${file} is no bzImage`, "Name the vmlinuz of a Linux kernel for x86-64.");
  const setupSectors = bzImage.readUInt8(SETUP_SECTORS) || 4;
  const start = (setupSectors + 1) * 512 + bzImage.readUInt32LE(PAYLOAD_OFFSET);
  const end = start + bzImage.readUInt32LE(PAYLOAD_LENGTH);
  if (end > bzImage.length || end - start < 8) throw new UserError(`${file} is cut short`, "Fetch the kernel again.");
  const size = bzImage.readUInt32LE(end - 4);
  if (size > MAXIMUM_KERNEL) throw new UserError(`${file}: its kernel would be ${size} bytes long`, "Fetch the kernel again.");
  const vmlinux = decompress(bzImage.subarray(start, end - 4), size, file);
  if (vmlinux.length === size && isElf64(vmlinux)) return vmlinux;
  throw new UserError(`${file}: the payload is no ELF kernel of ${size} bytes`, "Fetch the kernel again.");
}

function decompress(payload: Buffer, size: number, file: string): Buffer {
  if (isLegacyLz4(payload)) return decompressLegacyLz4(payload, size);
  if (payload.readUInt16BE(0) === 0x1f8b) return gunzipSync(payload);
  if (payload.readUInt32BE(0) === 0xfd377a58) return decompressBy("xz", ["-dc", "--single-stream"], "xz-utils", payload, file);
  if (payload.readUInt32BE(0) === 0x28b52ffd) return decompressBy("zstd", ["-dc"], "zstd", payload, file);
  throw new UserError(`${file} is compressed in a way other than LZ4, gzip, XZ and Zstandard`, 'Boot it with boot: "bzimage".');
}

function decompressBy(program: string, parameters: string[], debianPackage: string, payload: Buffer, file: string): Buffer {
  const result = spawnSync(program, parameters, { input: payload, maxBuffer: MAXIMUM_KERNEL, timeout: 60_000 });
  if (result.error !== undefined) throw new UserError(`${file} is compressed with ${program}, which does not run: ${result.error.message}`, `Install ${debianPackage}.`);
  return result.stdout;
}
