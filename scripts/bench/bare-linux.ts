// One ELF file with Linux, its initramfs and the launcher native/bare-linux.S, which boots in Bochs the way the kernel does.

import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { projectPath } from "../build/paths.ts";
import { run } from "../build/process.ts";
import { readElf, type Segment } from "../emulator/elf.ts";
import { UserError } from "../error.ts";
import type { GuestPaths } from "../guests/guests.ts";

const SOURCE = path.join(import.meta.dirname, "native/bare-linux.S");
/** Behind vmlinux, which lies from 16 MiB on; the initramfs follows. */
const LAUNCHER_ADDRESS = 0x5000000;
const RAM_DISK_ADDRESS = 0x5100000;

// Offsets from `parameters` in bare-linux.S.
const ENTRY = 0;
const RAM_DISK = 8;
const RAM_DISK_SIZE = 16;

const PT_NOTE = 4;
const XEN_ELFNOTE_PHYS32_ENTRY = 18;

/** Makes the file in `folder` and returns its path. */
export async function buildBareLinux(guests: GuestPaths, commandLine: string, folder: string): Promise<string> {
  const ramDisk = readFileSync(guests.initramfs);
  const launcher = await buildLauncher(folder, pvhEntry(readFileSync(guests.vmlinux), guests.vmlinux), ramDisk.length, commandLine);
  const segments: Segment[] = [
    ...readElf(guests.vmlinux).segments,
    { physicalAddress: LAUNCHER_ADDRESS, content: launcher, memorySize: launcher.length },
    { physicalAddress: RAM_DISK_ADDRESS, content: ramDisk, memorySize: ramDisk.length },
  ];
  const file = path.join(folder, "bare-linux.elf");
  writeFileSync(file, writeElf(LAUNCHER_ADDRESS, segments));
  return file;
}

async function buildLauncher(folder: string, entry: number, ramDiskSize: number, commandLine: string): Promise<Buffer> {
  const object = path.join(folder, "launcher.o");
  const elf = path.join(folder, "launcher.elf");
  const remedy = `Correct ${projectPath(SOURCE)}.`;
  await run("clang", ["--target=i386-elf", "-c", projectPath(SOURCE), "-o", object], remedy);
  await run("ld.lld", ["-m", "elf_i386", `-Ttext=0x${LAUNCHER_ADDRESS.toString(16)}`, "-N", "-o", elf, object], remedy);
  const names = await run("llvm-nm", [elf], remedy);
  const parameters = Number.parseInt(/^([0-9a-f]+) . parameters$/m.exec(names)?.[1] ?? "", 16) - LAUNCHER_ADDRESS;
  const binary = `${elf}.bin`;
  await run("llvm-objcopy", ["-O", "binary", elf, binary], remedy);
  const launcher = Buffer.concat([readFileSync(binary), Buffer.from(`${commandLine}\0`, "latin1")]);
  launcher.writeUInt32LE(entry, parameters + ENTRY);
  launcher.writeUInt32LE(RAM_DISK_ADDRESS, parameters + RAM_DISK);
  launcher.writeUInt32LE(ramDiskSize, parameters + RAM_DISK_SIZE);
  return launcher;
}

/** The 32-bit entry point that the kernel's Xen note gives. */
function pvhEntry(elf: Buffer, file: string): number {
  const table = Number(elf.readBigUInt64LE(0x20));
  const count = elf.readUInt16LE(0x38);
  for (let header = table; header < table + count * 56; header += 56) {
    if (elf.readUInt32LE(header) !== PT_NOTE) continue;
    const begin = Number(elf.readBigUInt64LE(header + 8));
    const end = begin + Number(elf.readBigUInt64LE(header + 32));
    for (let note = begin; note + 12 <= end; ) {
      const description = note + 12 + aligned(elf.readUInt32LE(note));
      if (elf.readUInt32LE(note + 8) === XEN_ELFNOTE_PHYS32_ENTRY) return elf.readUInt32LE(description);
      note = description + aligned(elf.readUInt32LE(note + 4));
    }
  }
  throw new UserError(`${projectPath(file)} has no Xen note with a PVH entry point`, "Delete build/guests, which is then made anew, or use a kernel with CONFIG_PVH.");
}

function aligned(size: number): number {
  return Math.ceil(size / 4) * 4;
}

/** A 64-bit ELF file with these segments (System V gABI, chapters 4 and 5). */
function writeElf(entry: number, segments: readonly Segment[]): Buffer {
  const header = Buffer.alloc(64 + 56 * segments.length);
  header.write("\x7fELF\x02\x01\x01", 0, "latin1");
  header.writeUInt16LE(2, 16); // executable
  header.writeUInt16LE(62, 18); // x86-64
  header.writeUInt32LE(1, 20);
  header.writeBigUInt64LE(BigInt(entry), 24);
  header.writeBigUInt64LE(64n, 32);
  header.writeUInt16LE(64, 52);
  header.writeUInt16LE(56, 54);
  header.writeUInt16LE(segments.length, 56);
  let offset = header.length;
  for (const [index, { physicalAddress, content, memorySize }] of segments.entries()) {
    const at = 64 + 56 * index;
    header.writeUInt32LE(1, at); // PT_LOAD
    header.writeUInt32LE(7, at + 4);
    for (const [place, value] of [[8, offset], [16, physicalAddress], [24, physicalAddress], [32, content.length], [40, memorySize]] as const) {
      header.writeBigUInt64LE(BigInt(value), at + place);
    }
    offset += content.length;
  }
  return Buffer.concat([header, ...segments.map(({ content }) => content)]);
}
