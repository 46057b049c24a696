// Runs QEMU, with KVM and nested VMX where the host has them, else with TCG for what needs no VMX.

import { accessSync, constants, readFileSync } from "node:fs";
import path from "node:path";
import { DEFAULT_MEMORY_MIB } from "./bochs-configuration.ts";
import { startProcess } from "./emulator-process.ts";
import { makeIso } from "./grub.ts";
import { makeRunFolder, readIfPresent, removeRunFolder } from "./run-folder.ts";
import type { BootImage, RunningMachine, RunOptions, RunResult } from "./types.ts";

/** What the machine's VT-d unit can do (QEMU's intel-iommu); what is left out is off. */
export interface RemappingUnit {
  /** Bits of an address that a device uses: 39 gives three levels of tables, 48 three and four. */
  addressBits?: 39 | 48;
  /** CAP.CM: the unit may cache what is not present. */
  cachingMode?: boolean;
  /** ECAP.SMTS. */
  scalableMode?: boolean;
  /** ECAP.DT, and an ATSR in the DMAR table. */
  deviceTlb?: boolean;
}

export interface QemuOptions extends RunOptions {
  accelerator?: "kvm" | "tcg";
  /** A unit of 48 bits under TCG if left out, what QEMU takes by itself under KVM; "none" leaves the machine without one. */
  remapping?: RemappingUnit | "none";
  /** More devices, each as after `-device`. */
  devices?: readonly string[];
  /** TCG: one instruction takes 2^shift ns (0-10) of the machine's time, and time that all cores sleep through is skipped. */
  instructionShift?: number;
  /** More arguments for QEMU. */
  extraArguments?: readonly string[];
}

/** KVM's paravirtual leaves would show Bulkhead a hypervisor that is not its own. */
const KVM_CPU = "host,+vmx,+invtsc,-kvm-pv-eoi,-kvm-pv-ipi,-kvm-asyncpf,-kvm-steal-time,-kvmclock";
const NESTING_PARAMETER = "/sys/module/kvm_intel/parameters/nested";

/** Whether this user can run QEMU with KVM and VMX inside. */
export function hostHasNestedVmx(): boolean {
  try {
    accessSync("/dev/kvm", constants.R_OK | constants.W_OK);
  } catch {
    return false;
  }
  return /^[Y1]/.test(readIfPresent(NESTING_PARAMETER)) && / vmx /.test(readFileSync("/proc/cpuinfo", "latin1"));
}

/** COM1 is QEMU's standard input and output; the debug console goes to a file. */
export async function startQemu(image: BootImage, options: QemuOptions = {}): Promise<RunningMachine> {
  const folder = makeRunFolder("qemu");
  const iso = path.join(folder, "bulkhead.iso");
  const debugConsole = path.join(folder, "debugcon.out");
  await makeIso(image, iso);
  const emulator = startProcess("qemu-system-x86_64", machineLine(options, iso, debugConsole), folder, {
    timeoutSeconds: options.timeoutSeconds,
    onOutput: options.onOutput,
    input: true,
  });
  return {
    write: (bytes) => void emulator.child.stdin?.write(bytes),
    stop: emulator.stop,
    finished: emulator.finished.then((result) => {
      const finished: RunResult = {
        reason: result.reason,
        status: result.status,
        output: readIfPresent(debugConsole),
        serial: result.output,
        log: result.messages,
        seconds: result.seconds,
        folder: options.keepFiles === true ? folder : null,
      };
      if (options.keepFiles !== true) removeRunFolder(folder);
      return finished;
    }),
  };
}

function machineLine(options: QemuOptions, iso: string, debugConsole: string): string[] {
  const kvm = options.accelerator === "kvm";
  return [
    ...["-machine", kvm ? "q35,accel=kvm,kernel-irqchip=split" : "q35,accel=tcg"],
    ...["-cpu", options.cpuModel ?? (kvm ? KVM_CPU : "max")],
    ...["-smp", String(options.cores ?? 1), "-m", `${options.memoryMiB ?? DEFAULT_MEMORY_MIB}M`],
    ...remappingLine(options.remapping ?? (kvm ? {} : { addressBits: 48 })),
    ...(options.instructionShift === undefined ? [] : ["-icount", `shift=${options.instructionShift},sleep=off`]),
    ...["-nographic", "-nodefaults", "-serial", "stdio", "-no-reboot"],
    ...["-chardev", `file,id=debug,path=${debugConsole}`, "-device", "isa-debugcon,iobase=0xe9,chardev=debug"],
    ...["-device", "isa-debug-exit,iobase=0xf4,iosize=4"],
    ...(options.devices ?? []).flatMap((device) => ["-device", device]),
    ...["-cdrom", iso, "-boot", "d"],
    ...(options.extraArguments ?? []),
  ];
}

function remappingLine(unit: RemappingUnit | "none"): string[] {
  if (unit === "none") return [];
  const properties = [
    "intel-iommu,intremap=on",
    ...(unit.addressBits === undefined ? [] : [`aw-bits=${unit.addressBits}`]),
    ...(unit.cachingMode === true ? ["caching-mode=on"] : []),
    ...(unit.scalableMode === true ? ["x-scalable-mode=on"] : []),
    ...(unit.deviceTlb === true ? ["device-iotlb=on"] : []),
  ];
  return ["-device", properties.join(",")];
}
