// What is booted, on what machine, and what came of it.

/** A module for the kernel: module 0 is policy.bin, then the images as the policy numbers them. */
export interface Module {
  /** File on the host. */
  path: string;
  /** Text of its multiboot2 module tag. */
  name: string;
}

export interface BootImage {
  /** The kernel's ELF file. */
  kernel: string;
  commandLine: string;
  modules: readonly Module[];
}

export interface MachineOptions {
  /** Number of cores; 1 if left out. */
  cores?: number;
  /** Hyper-threads of each processor core, a divisor of `cores`; 1 if left out (Bochs). */
  threadsPerCore?: number;
  /** RAM in MiB; 256 if left out. */
  memoryMiB?: number;
  /** The emulator's own name of the CPU model. */
  cpuModel?: string;
  /** What the machine's clock shows at the start, in seconds since 1970, so that runs repeat exactly (Bochs); the host's time if left out. */
  startTime?: number;
}

export interface RunOptions extends MachineOptions {
  /** The machine is stopped after this many seconds of wall time; never if left out (a user at a terminal). */
  timeoutSeconds?: number;
  /** Receives output as it comes. */
  onOutput?: (bytes: Buffer) => void;
  /** Keep the files of the run (emulator's log, configuration, serial output) and name their folder in the result. */
  keepFiles?: boolean;
}

export type EndReason = "ended" | "timeout" | "stopped";

export interface RunResult {
  /** ended: the machine powered off or the emulator gave up (see `log`); timeout; stopped: by stop(). */
  reason: EndReason;
  /** Exit status of the emulator; Bochs ends with 1 after a Shutdown. Null if it was killed. */
  status: number | null;
  /** All output of the debug console (port 0xe9). */
  output: string;
  /** All output of COM1. */
  serial: string;
  /** The emulator's own messages. */
  log: string;
  seconds: number;
  /** Folder of the run's files if they were kept. */
  folder: string | null;
}

/** A machine that runs. */
export interface RunningMachine {
  /** Types into COM1. */
  write(bytes: Uint8Array | string): void;
  /** Stops the machine; `finished` then resolves. */
  stop(): void;
  finished: Promise<RunResult>;
}
