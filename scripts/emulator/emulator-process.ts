// An emulator as a child process: its standard output streamed on, a bound on its time.

import { spawn, type ChildProcess } from "node:child_process";
import { UserError } from "../error.ts";
import type { EndReason } from "./types.ts";

/** Between SIGTERM and SIGKILL. */
const KILL_DELAY_MS = 2000;

export interface ProcessResult {
  reason: EndReason;
  status: number | null;
  output: string;
  messages: string;
  seconds: number;
}

export interface EmulatorProcess {
  child: ChildProcess;
  stop(): void;
  finished: Promise<ProcessResult>;
}

export interface ProcessOptions {
  timeoutSeconds?: number | undefined;
  onOutput?: ((bytes: Buffer) => void) | undefined;
  /** Whether the emulator gets a standard input. Bochs must not: with GRUB it hangs on a pipe that nobody writes to. */
  input?: boolean;
  /** Removes what is not the machine's from standard output. */
  filter?: (bytes: Buffer) => Buffer;
}

export function startProcess(program: string, args: readonly string[], folder: string, options: ProcessOptions): EmulatorProcess {
  const started = performance.now();
  const child = spawn(program, args, { cwd: folder, stdio: [options.input === true ? "pipe" : "ignore", "pipe", "pipe"] });
  const output: Buffer[] = [];
  const messages: Buffer[] = [];
  let reason: EndReason = "ended";
  child.stdout?.on("data", (raw: Buffer) => {
    const bytes = options.filter === undefined ? raw : options.filter(raw);
    if (bytes.length === 0) return;
    output.push(bytes);
    options.onOutput?.(bytes);
  });
  child.stderr?.on("data", (bytes: Buffer) => messages.push(bytes));
  // A machine that ends while the user types closes its input.
  child.stdin?.on("error", () => undefined);

  const end = (why: EndReason): void => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    reason = why;
    child.kill("SIGTERM");
    setTimeout(() => child.kill("SIGKILL"), KILL_DELAY_MS).unref();
  };
  const timer = options.timeoutSeconds === undefined ? undefined : setTimeout(() => end("timeout"), options.timeoutSeconds * 1000);
  const leave = endWithParent(child);

  const finished = new Promise<ProcessResult>((resolve, reject) => {
    const settle = (): void => {
      clearTimeout(timer);
      leave();
    };
    child.on("error", () => {
      settle();
      reject(new UserError(`${program} could not be started`, "Run `npx bulkhead setup`, which installs what is missing."));
    });
    child.on("close", (status) => {
      settle();
      const seconds = (performance.now() - started) / 1000;
      resolve({ reason, status, output: text(output), messages: text(messages), seconds });
    });
  });
  return { child, stop: () => end("stopped"), finished };
}

const FATAL_SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** No emulator outlives the program that started it. Returns what takes this back once the emulator has ended. */
function endWithParent(child: ChildProcess): () => void {
  const kill = (): void => void child.kill("SIGKILL");
  const onSignal = (signal: NodeJS.Signals): void => {
    kill();
    leave();
    process.kill(process.pid, signal);
  };
  const leave = (): void => {
    process.off("exit", kill);
    for (const signal of FATAL_SIGNALS) process.off(signal, onSignal);
  };
  process.once("exit", kill);
  for (const signal of FATAL_SIGNALS) process.once(signal, onSignal);
  return leave;
}

/** Bytes as they came: a partition may print anything. */
function text(parts: Buffer[]): string {
  return Buffer.concat(parts).toString("latin1");
}
