// Emulators that boot Bulkhead. Everything outside this folder imports from here.
//
//   const machine = await startBochs(image, { cores: 2, timeoutSeconds: 60, onOutput: (bytes) => ... });
//   const result = await machine.finished;      // reason, output (port 0xe9), serial (COM1), log, seconds
//
// - image: { kernel: "build/bulkhead.elf", commandLine: "console=e9", modules: [{ path, name }, ...] }, policy.bin first.
// - startBochs: loader "option-rom" (default) or "grub"; cores, memoryMiB, cpuModel. onOutput gets the debug console.
//   startTime sets its clock, so that runs repeat; debuggerCommands drive its debugger, for traces and breakpoints.
//   interactive: true connects COM1, so that machine.write("ls\n") types into it; COM1's output is then in result.serial.
// - startQemu: always through a GRUB CD; accelerator "kvm" (if hostHasNestedVmx()) or "tcg". onOutput gets COM1, and
//   machine.write types into it. remapping, devices, instructionShift and extraArguments shape the machine; result.status is
//   QEMU's exit status, (v << 1) | 1 for a value v that the kernel wrote to port 0xf4 (isa-debug-exit).
// - Without timeoutSeconds a machine runs until it powers off or machine.stop().
// - makeIso(image, path) writes the bootable CD or USB stick.

export { startBochs, type BochsOptions } from "./bochs.ts";
export { makeIso, supportedFirmware, type Firmware } from "./grub.ts";
export { ramDisk } from "./ram-disk.ts";
export { hostHasNestedVmx, startQemu, type QemuOptions, type RemappingUnit } from "./qemu.ts";
export type { BootImage, EndReason, MachineOptions, Module, RunningMachine, RunOptions, RunResult } from "./types.ts";
