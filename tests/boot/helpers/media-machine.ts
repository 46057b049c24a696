// QEMU without VMX that boots an image as a user's machine would: by its firmware, from a CD, a disk or a USB stick. It runs until
// the kernel has said on COM1 what it had to say; then its screen is read.

import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
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
}

const TIMEOUT_SECONDS = 90;
const LINGER_MS = 300;
const POLL_MS = 50;

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
    const screen = await dumpScreen(monitor, path.join(folder, "screen.ppm"));
    emulator.stop();
    const { output } = await emulator.finished;
    return { serial: output, debugConsole: readText(debugFile), screen };
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

async function dumpScreen(monitor: string, file: string): Promise<Buffer> {
  const socket = connect(monitor);
  socket.on("error", () => undefined); // a machine that has ended shows no screen, which the caller sees
  socket.write(`screendump ${file}\n`);
  for (let waited = 0; waited < 5000 && !isComplete(file); waited += POLL_MS) await delay(POLL_MS);
  socket.destroy();
  return isComplete(file) ? readFileSync(file) : Buffer.alloc(0);
}

/** A PPM has three bytes for each pixel behind its header. */
function isComplete(file: string): boolean {
  if (!existsSync(file)) return false;
  const bytes = readFileSync(file);
  const header = /^P6\n(\d+) (\d+)\n255\n/.exec(bytes.toString("latin1", 0, 32));
  return header !== null && bytes.length === header[0].length + Number(header[1]) * Number(header[2]) * 3;
}

function readText(file: string): string {
  return existsSync(file) ? readFileSync(file, "latin1") : "";
}
