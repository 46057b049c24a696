// `bulkhead boot SYSTEM` and the demo: build, compile the system, start a machine, connect whoever is there.

import { build } from "../build/build.ts";
import type { RunningMachine, RunResult } from "../emulator/index.ts";
import { UserError } from "../error.ts";
import { compileSystem, type CompiledSystem } from "../policy/compile.ts";
import { findSystemFile } from "../policy/load.ts";
import { ensurePrograms } from "../setup/setup.ts";
import { EndWatch } from "./end-watch.ts";
import { preferredEmulator, startMachine, type EmulatorName } from "./machine.ts";
import { connectTerminal, hasTerminal } from "./terminal.ts";
import { Typist } from "./typist.ts";

export interface BootOptions {
  on?: EmulatorName;
  /** Seconds. */
  timeout?: number;
  /** QEMU's -device and -drive. */
  device?: string[];
  drive?: string[];
}

const DEMO_SYSTEM = "demo";
/** What the demo does in the Linux shell where nobody sits at a terminal. */
const DEMO_COMMANDS: readonly string[] = ["uname -a", "head -n 1 /proc/meminfo", "cat /proc/uptime", "poweroff -f"];
const DEMO_TIMEOUT_SECONDS = 300;
const LAST_LINES = 20;

export async function bootCommand(system: string, options: BootOptions): Promise<void> {
  await bootSystem(system, options, []);
}

export async function demoCommand(options: BootOptions): Promise<void> {
  if (hasTerminal()) return bootSystem(DEMO_SYSTEM, options, []);
  await bootSystem(DEMO_SYSTEM, { timeout: DEMO_TIMEOUT_SECONDS, ...options }, DEMO_COMMANDS);
}

async function bootSystem(name: string, options: BootOptions, commands: readonly string[]): Promise<void> {
  findSystemFile(name); // a wrong name is told before a minute of building
  ensurePrograms("boot");
  await build();
  const system = await compileSystem(name);
  const emulator = options.on ?? preferredEmulator();
  const { device: devices = [], drive: drives = [] } = options;
  if (emulator === "bochs" && devices.length + drives.length > 0) {
    throw new UserError(`Bochs takes no ${devices.length > 0 ? "--device" : "--drive"}`, "Boot with --on qemu.");
  }
  announce(system, emulator);
  const typist = new Typist(commands, (text) => machine.write(text));
  const end = new EndWatch(() => machine.stop());
  const onOutput = (bytes: Buffer): void => {
    process.stdout.write(hasTerminal() ? bytes : withoutQueries(bytes));
    typist.watch(bytes);
    end.watch(bytes);
  };
  const interactive = hasTerminal() || commands.length > 0;
  const machine: RunningMachine = await startMachine(system, { emulator, interactive, timeoutSeconds: options.timeout, devices, drives, onOutput });
  if (hasTerminal()) connectTerminal(machine);
  judge(await machine.finished, emulator, end, options.timeout);
  if (end.summarised && !typist.done) throw new UserError("the system ended before the Linux shell took its commands", "See what the lines above say.");
}

/** A shell's question where the cursor is, which only a terminal can answer. */
function withoutQueries(bytes: Buffer): Buffer {
  return Buffer.from(bytes.toString("latin1").replaceAll("\x1b[6n", ""), "latin1");
}

function announce({ name, system, cores }: CompiledSystem, emulator: EmulatorName): void {
  const partitions = system.partitions.map((partition) => partition.name).join(", ");
  process.stderr.write(`Booting ${name} (${partitions}) on ${emulator} with ${cores} ${cores === 1 ? "core" : "cores"}.\n`);
  if (hasTerminal()) process.stderr.write("Ctrl-] gives the keyboard to the next partition, Ctrl-\\ quits.\n");
}

/** Throws UserError unless the user stopped the machine or the kernel ended it with its summary. */
function judge(result: RunResult, emulator: EmulatorName, end: EndWatch, timeout: number | undefined): void {
  if (end.fatal !== null) throw new UserError(`the kernel stopped: ${end.fatal}`, "The lines above tell the reason, the core and the registers.");
  if (end.summarised || result.reason === "stopped") return;
  const output = emulator === "bochs" ? result.output : result.serial;
  if (result.reason === "timeout") {
    throw new UserError(`the system still ran after ${timeout} s\n${lastLines(output)}`, "See what its last lines say, or give it longer with --timeout SECONDS.");
  }
  const how = result.status === null ? "was ended by a signal" : `ended with status ${result.status}`;
  throw new UserError(`${emulator} ${how} before the kernel ended the system\n${lastLines(output)}\n${emulator}:\n${lastLines(result.log)}`, "See what the lines above say.");
}

function lastLines(text: string): string {
  const lines = text.trimEnd().split(/\r?\n/);
  return lines.slice(-LAST_LINES).map((line) => `  | ${line}`).join("\n");
}
