// Starts a compiled system in an emulator.

import { statSync } from "node:fs";
import path from "node:path";
import { kernelElf } from "../build/paths.ts";
import { hostHasNestedVmx, startBochs, startQemu, type BootImage, type RunningMachine } from "../emulator/index.ts";
import type { CompiledSystem } from "../policy/compile.ts";

export type EmulatorName = "qemu" | "bochs";

export interface MachineChoice {
  emulator: EmulatorName;
  /** One can type into it. */
  interactive: boolean;
  timeoutSeconds?: number | undefined;
  /** QEMU's -device and -drive; Bochs has neither. */
  devices?: readonly string[];
  drives?: readonly string[];
  onOutput: (bytes: Buffer) => void;
}

/** Room for the kernel, its tables and each partition's monitor. */
const KERNEL_MEMORY_MIB = 64;
const MEBIBYTE = 0x100000;

/** The emulator that boots fastest here: QEMU where KVM offers VMX to its guests, else Bochs. */
export function preferredEmulator(): EmulatorName {
  return hostHasNestedVmx() ? "qemu" : "bochs";
}

/** Bochs paces COM1 like a real line, so there the debug console has the output, and COM1 only what is typed. */
export function startMachine(system: CompiledSystem, choice: MachineChoice): Promise<RunningMachine> {
  const options = { cores: system.cores, memoryMiB: machineMemory(system), timeoutSeconds: choice.timeoutSeconds, onOutput: choice.onOutput };
  if (choice.emulator === "bochs") return startBochs(bootImage(system, "console=e9"), { ...options, interactive: choice.interactive });
  const { devices = [], drives = [] } = choice;
  const extraArguments = drives.flatMap((drive) => ["-drive", drive]);
  return startQemu(bootImage(system, "console=com1"), { ...options, devices, extraArguments, accelerator: hostHasNestedVmx() ? "kvm" : "tcg" });
}

/** What the loader hands over: the kernel, policy.bin, then the images. */
export function bootImage(system: CompiledSystem, commandLine: string, kernel = kernelElf): BootImage {
  const modules = [system.policy, ...system.modules].map((file) => ({ path: file, name: path.basename(file) }));
  return { kernel, commandLine, modules };
}

/** MiB for the partitions, the images and the kernel, rounded to 64 MiB. */
export function machineMemory(system: CompiledSystem): number {
  const images = system.modules.reduce((sum, file) => sum + statSync(file).size, 0);
  const needed = (system.memory + images) / MEBIBYTE + KERNEL_MEMORY_MIB;
  return Math.ceil(needed / 64) * 64;
}
