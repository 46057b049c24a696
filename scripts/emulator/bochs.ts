// Runs Bochs: the debug console arrives on its standard output, COM1 in a file or over a socket.

import { writeFileSync } from "node:fs";
import path from "node:path";
import { writeBlob } from "./blob.ts";
import { bochsConfiguration, DEFAULT_MEMORY_MIB, type BochsSerial, type BochsSource } from "./bochs-configuration.ts";
import { bochsOutputFilter } from "./bochs-output.ts";
import { startProcess } from "./emulator-process.ts";
import { makeIso } from "./grub.ts";
import { optionRom } from "./option-rom.ts";
import { makeRunFolder, readIfPresent, removeRunFolder } from "./run-folder.ts";
import { connectSerial, freePort } from "./serial-socket.ts";
import type { BootImage, RunningMachine, RunOptions, RunResult } from "./types.ts";

export interface BochsOptions extends RunOptions {
  /** option-rom: 0.3 s to the kernel; grub: as from a CD, 2 s. */
  loader?: "option-rom" | "grub";
  /** COM1 over a socket, so that write() reaches the kernel. Else COM1 goes to a file. */
  interactive?: boolean;
  /** Commands for Bochs' debugger in place of running to the end; what it prints is then part of the output. */
  debuggerCommands?: readonly string[];
}

export async function startBochs(image: BootImage, options: BochsOptions = {}): Promise<RunningMachine> {
  const folder = makeRunFolder("bochs");
  const log = path.join(folder, "bochs.log");
  const serialFile = path.join(folder, "com1.out");
  const serial: BochsSerial = options.interactive === true ? { kind: "socket", port: await freePort() } : { kind: "file", path: serialFile };
  const source = await makeSource(image, options, folder);
  writeFileSync(path.join(folder, "bochsrc"), bochsConfiguration(options, source, serial, log));
  // Debian builds Bochs with its debugger, which waits for these.
  const commands = options.debuggerCommands ?? ["c", "q"];
  writeFileSync(path.join(folder, "commands"), `${commands.join("\n")}\n`);

  const emulator = startProcess("bochs", ["-q", "-f", "bochsrc", "-rc", "commands"], folder, {
    timeoutSeconds: options.timeoutSeconds,
    onOutput: options.onOutput,
    ...(options.debuggerCommands === undefined ? { filter: bochsOutputFilter(options.cores ?? 1) } : {}),
  });
  const connection = serial.kind === "socket" ? connectSerial(serial.port, emulator.finished) : undefined;
  return {
    write: (bytes) => connection?.write(bytes),
    stop: emulator.stop,
    finished: emulator.finished.then((result) => {
      const serialOutput = connection === undefined ? readIfPresent(serialFile) : connection.received();
      const finished: RunResult = {
        reason: result.reason,
        status: result.status,
        output: result.output,
        serial: serialOutput,
        log: readIfPresent(log) + result.messages,
        seconds: result.seconds,
        folder: options.keepFiles === true ? folder : null,
      };
      if (options.keepFiles !== true) removeRunFolder(folder);
      return finished;
    }),
  };
}

async function makeSource(image: BootImage, options: BochsOptions, folder: string): Promise<BochsSource> {
  if (options.loader === "grub") {
    const iso = path.join(folder, "bulkhead.iso");
    await makeIso(image, iso);
    return { kind: "cd", iso };
  }
  const blob = path.join(folder, "blob.bin");
  writeBlob(image, (options.memoryMiB ?? DEFAULT_MEMORY_MIB) * 0x100000, blob);
  return { kind: "option-rom", rom: await optionRom(), blob };
}

