// Boots a system of partitions in Bochs and takes its output apart, line by line.

import { kernelElf } from "../../../scripts/build/paths.ts";
import { bootImage, machineMemory } from "../../../scripts/commands/machine.ts";
import { startBochs, type BochsOptions, type RunningMachine, type RunResult } from "../../../scripts/emulator/index.ts";
import { compileDescription } from "../../../scripts/policy/compile.ts";
import type { SystemDescription } from "../../../scripts/policy/language.ts";

/** For what still waits in COM1 and in the emulator's buffers. */
const LINGER_MS = 200;
const KERNEL = "bulkhead";

export interface SystemOptions extends BochsOptions {
  timeoutSeconds: number;
  /** The boot is over once this line was printed; left out: once the machine ends by itself. */
  until?: RegExp;
  /** Words of the kernel command line besides the console. */
  commandLine?: string;
  /** ELF file of another kernel. */
  kernel?: string;
  /** Looks at output as it comes, whole lines or not. */
  onBytes?: (bytes: Buffer) => void;
  /** Looks at each line as it comes, and may type. */
  onLine?: (line: string, machine: RunningMachine) => void;
}

/** Output of a system. */
export class SystemOutput {
  readonly lines: string[];

  constructor(readonly result: RunResult) {
    this.lines = result.output.split(/\r?\n/);
  }

  /** Lines of one partition, or of the kernel, without the name that begins them. */
  of(name: string): string[] {
    const prefix = `[${name}] `;
    return this.lines.filter((line) => line.startsWith(prefix)).map((line) => line.slice(prefix.length));
  }

  get kernel(): string[] {
    return this.of(KERNEL);
  }

  /** Audit lines: what they say behind core and RIP, which must be there. */
  audits(partition: string, core: number): Audit[] {
    const form = new RegExp(`^audit: ${partition} core ${core} RIP 0x([0-9a-f]{16}): (.*)$`);
    return this.kernel.flatMap((line) => {
      const [, rip, what] = form.exec(line) ?? [];
      return rip === undefined || what === undefined ? [] : [{ rip: Number.parseInt(rip, 16), what }];
    });
  }

  /** Host-physical address of the partition's memory. */
  memoryBase(partition: string): number {
    const form = new RegExp(`^partition ${partition} starts on core \\d+ with \\d+ MiB at 0x([0-9a-f]+)`);
    const base = this.kernel.map((line) => form.exec(line)?.[1]).find((address) => address !== undefined);
    if (base === undefined) throw new Error(`partition ${partition} did not start:\n${this.lines.join("\n")}`);
    return Number.parseInt(base, 16);
  }

  /** The partition's line of the summary. */
  summary(partition: string): string {
    const prefix = `summary: ${partition}: core`;
    return this.kernel.find((line) => line.startsWith(prefix)) ?? `no summary of ${partition}`;
  }
}

export interface Audit {
  rip: number;
  what: string;
}

/** Boots `description`, whose name is that of its folder in build/systems: no other test may use it. */
export async function bootSystem(description: SystemDescription, options: SystemOptions): Promise<SystemOutput> {
  const { until, kernel = kernelElf, onBytes, onLine, commandLine = "", ...bochs } = options;
  const system = await compileDescription(description, import.meta.filename);
  let partial = "";
  let machine: RunningMachine | undefined;
  const onOutput = (bytes: Buffer): void => {
    onBytes?.(bytes);
    const lines = (partial + bytes.toString("latin1")).split(/\r?\n/);
    partial = lines.pop() ?? "";
    for (const line of lines) {
      if (machine === undefined) return;
      onLine?.(line, machine);
      if (until?.test(line) === true) setTimeout(machine.stop, LINGER_MS);
    }
  };
  const console = bochs.interactive === true ? "console=e9,com1" : "console=e9";
  const image = bootImage(system, `${console} ${commandLine}`.trim(), kernel);
  machine = await startBochs(image, { cores: system.cores, memoryMiB: machineMemory(system), ...bochs, onOutput });
  return new SystemOutput(await machine.finished);
}
