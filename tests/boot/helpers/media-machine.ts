// QEMU without VMX that boots an image as a user's machine would: by its firmware, from a CD, a disk or a USB stick. It runs until
// the kernel has said on COM1 what it had to say; then its screen is read.

import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { GLYPH_HEIGHT, GLYPH_WIDTH, readScreen } from "../../unit/console/screen.ts";
import { startProcess } from "../../../scripts/emulator/emulator-process.ts";

export interface MediaMachine {
  firmware: "bios" | "uefi";
  medium: "cd" | "disk" | "usb";
  /** Without it, the firmware and the kernel have none to print to. */
  serial?: boolean;
  cores?: number;
}

export interface MediaResult {
  serial: string;
  debugConsole: string;
  /** The screen as a PPM file (P6). */
  screen: Buffer;
  /** The letters of EGA text memory. */
  textMemory: string;
}

const TIMEOUT_SECONDS = 150;
const LINGER_MS = 300;
const POLL_MS = 50;
const DUMP_WAIT_MS = 5000;
const PPM_HEADER = /^P6\n(\d+) (\d+)\n255\n/;
const TEXT_MEMORY = 0xb8000;
const TEXT_ROW = 160;
const TEXT_MEMORY_SIZE = 25 * TEXT_ROW;

const FIRMWARE_ARGUMENTS = {
  bios: [],
  uefi: [
    ...["-drive", "if=pflash,format=raw,unit=0,readonly=on,file=/usr/share/OVMF/OVMF_CODE_4M.fd"],
    ...["-drive", "if=pflash,format=raw,unit=1,snapshot=on,file=/usr/share/OVMF/OVMF_VARS_4M.fd"],
  ],
} as const;

const MEDIUM_ARGUMENTS = {
  cd: ["-device", "ide-cd,drive=medium,bus=ide.0"],
  disk: ["-device", "ide-hd,drive=medium,bus=ide.0"],
  usb: ["-device", "qemu-xhci", "-device", "usb-storage,drive=medium,removable=on"],
} as const;

/** Boots the file `image` until the debug console has had `lastWords`. */
export async function bootMedium(image: string, machine: MediaMachine, lastWords: string): Promise<MediaResult> {
  return runQemu([...FIRMWARE_ARGUMENTS[machine.firmware], "-drive", `if=none,id=medium,format=raw,readonly=${machine.medium === "cd" ? "on" : "off"},snapshot=on,file=${image}`, ...MEDIUM_ARGUMENTS[machine.medium]], machine, lastWords);
}

/** QEMU with these arguments for what it boots. */
export async function runQemu(source: readonly string[], machine: Pick<MediaMachine, "serial" | "cores">, lastWords: string): Promise<MediaResult> {
  const folder = mkdtempSync(path.join(tmpdir(), "bulkhead-media-"));
  const debugFile = path.join(folder, "debugcon");
  const monitor = path.join(folder, "monitor");
  const emulator = startProcess("qemu-system-x86_64", machineLine(source, machine, debugFile, monitor), folder, { timeoutSeconds: TIMEOUT_SECONDS, input: true });
  try {
    const ended = emulator.finished.then(() => true);
    while (!readText(debugFile).includes(lastWords)) {
      if (await Promise.race([ended, delay(POLL_MS, false)])) break;
    }
    await delay(LINGER_MS);
    const screen = await dump(monitor, "screendump", path.join(folder, "screen.ppm"), isPicture);
    const text = await dump(monitor, `pmemsave ${TEXT_MEMORY} ${TEXT_MEMORY_SIZE}`, path.join(folder, "text"), (bytes) => bytes.length === TEXT_MEMORY_SIZE);
    emulator.stop();
    const { output } = await emulator.finished;
    return { serial: output, debugConsole: readText(debugFile), screen, textMemory: lettersOf(text) };
  } finally {
    emulator.stop();
    await emulator.finished;
    rmSync(folder, { recursive: true, force: true });
  }
}

function machineLine(source: readonly string[], machine: Pick<MediaMachine, "serial" | "cores">, debugFile: string, monitor: string): string[] {
  return [
    ...["-machine", "q35,accel=tcg", "-cpu", "max", "-m", "256M", "-smp", String(machine.cores ?? 1)],
    ...["-nodefaults", "-display", "none", "-vga", "std", "-no-reboot"],
    ...["-serial", machine.serial === false ? "none" : "stdio"],
    ...["-chardev", `file,id=debug,path=${debugFile}`, "-device", "isa-debugcon,iobase=0xe9,chardev=debug"],
    ...["-monitor", `unix:${monitor},server=on,wait=off`],
    ...source,
  ];
}

/** Lets QEMU's monitor write a file; empty if it does not, since the machine has ended. */
async function dump(monitor: string, command: string, file: string, isComplete: (bytes: Buffer) => boolean): Promise<Buffer> {
  const socket = connect(monitor);
  socket.on("error", () => undefined); // the caller sees that nothing was written
  socket.write(`${command} "${file}"\n`); // quoted, since QEMU would divide a number before it by its path
  let bytes = Buffer.alloc(0);
  for (let waited = 0; waited < DUMP_WAIT_MS && !isComplete(bytes); waited += POLL_MS) {
    await delay(POLL_MS);
    if (existsSync(file)) bytes = readFileSync(file);
  }
  socket.destroy();
  return isComplete(bytes) ? bytes : Buffer.alloc(0);
}

/** A PPM has three bytes for each pixel behind its header. */
function isPicture(bytes: Buffer): boolean {
  const header = PPM_HEADER.exec(bytes.toString("latin1", 0, 32));
  return header !== null && bytes.length === header[0].length + Number(header[1]) * Number(header[2]) * 3;
}

/** Text on a screen whose letters are the kernel's own. */
export function textOfPicture(picture: Buffer): string {
  const header = PPM_HEADER.exec(picture.toString("latin1", 0, 32));
  if (header === null) throw new Error("QEMU wrote no picture of the screen");
  const [width, height] = [Number(header[1]), Number(header[2])];
  const isLit = (x: number, y: number): boolean => picture.readUInt8(header[0].length + (y * width + x) * 3) !== 0;
  return readScreen(Math.floor(width / GLYPH_WIDTH), Math.floor(height / GLYPH_HEIGHT), isLit).join("\n");
}

/** Each cell is a letter and its colours. */
function lettersOf(memory: Buffer): string {
  const rows = Array.from({ length: memory.length / TEXT_ROW }, (_, row) => memory.subarray(row * TEXT_ROW, (row + 1) * TEXT_ROW));
  return rows.map((row) => Buffer.from(row.filter((_, index) => index % 2 === 0)).toString("latin1").trimEnd()).join("\n");
}

function readText(file: string): string {
  return existsSync(file) ? readFileSync(file, "latin1") : "";
}
