// The machine that Bochs is told to be (bochsrc), measured in LAB.md and docs/emulators.md.

import type { MachineOptions } from "./types.ts";

export const DEFAULT_MEMORY_MIB = 256;
export const INSTRUCTIONS_PER_SECOND = 20_000_000;
const DEFAULT_CPU_MODEL = "corei7_skylake_x";
const BIOS = "/usr/share/bochs/BIOS-bochs-latest";
const VGA_BIOS = "/usr/share/bochs/VGABIOS-lgpl-latest";

/** Where the kernel comes from: a RAM image sorted out by the option ROM, or a CD with GRUB. */
export type BochsSource = { kind: "option-rom"; rom: string; blob: string } | { kind: "cd"; iso: string };
/** COM1: output to a file, or a connection that can be typed into. */
export type BochsSerial = { kind: "file"; path: string } | { kind: "socket"; port: number };

export function bochsConfiguration(machine: MachineOptions, source: BochsSource, serial: BochsSerial, log: string): string {
  const memory = machine.memoryMiB ?? DEFAULT_MEMORY_MIB;
  const lines = [
    `cpu: model=${machine.cpuModel ?? DEFAULT_CPU_MODEL}, count=${processorCount(machine)}, ips=${INSTRUCTIONS_PER_SECOND}, reset_on_triple_fault=0`,
    // A host memory smaller than the guest's breaks the block order that the option ROM relies on.
    `memory: guest=${memory}, host=${memory}`,
    `romimage: file=${BIOS}, options=fastboot`,
    `vgaromimage: file=${VGA_BIOS}`,
    ...sourceLines(source),
    serialLine(serial),
    `display_library: rfb, options="timeout=0"`,
    "sound: driver=dummy",
    "speaker: enabled=0",
    "plugin_ctrl: speaker=0",
    "port_e9_hack: enabled=1",
    ...(machine.startTime === undefined ? [] : [`clock: sync=none, time0=${machine.startTime}`]),
    "panic: action=fatal",
    `log: ${log}`,
  ];
  return `${lines.join("\n")}\n`;
}

/** Bochs counts packages, cores of each and threads of those. */
function processorCount({ cores = 1, threadsPerCore = 1 }: MachineOptions): string {
  return threadsPerCore === 1 ? `${cores}` : `1:${cores / threadsPerCore}:${threadsPerCore}`;
}

function sourceLines(source: BochsSource): string[] {
  if (source.kind === "option-rom") {
    return [`optromimage1: file=${source.rom}, address=0xd0000`, `optramimage1: file=${source.blob}, address=0`, "boot: disk"];
  }
  return [
    "ata0: enabled=1, ioaddr1=0x1f0, ioaddr2=0x3f0, irq=14",
    `ata0-master: type=cdrom, path=${source.iso}, status=inserted`,
    "boot: cdrom",
  ];
}

function serialLine(serial: BochsSerial): string {
  if (serial.kind === "file") return `com1: enabled=1, mode=file, dev=${serial.path}`;
  return `com1: enabled=1, mode=socket-server, dev=127.0.0.1:${serial.port}`;
}
