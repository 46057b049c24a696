// The command line: every command in one place, its work in commands/.

import { Command, InvalidArgumentError, Option } from "commander";
import type { BenchOptions } from "./commands/bench.ts";
import type { BootOptions } from "./commands/boot.ts";
import type { FlashOptions } from "./commands/flash.ts";
import type { FuzzCommandOptions } from "./commands/fuzz.ts";
import type { ImageOptions } from "./commands/image.ts";
import { describeError } from "./error.ts";

const emulatorOption = (): Option => new Option("--on <emulator>", "emulator to use; by default QEMU where the host has nested VMX, else Bochs").choices(["qemu", "bochs"]);
const timeoutOption = (): Option => new Option("--timeout <seconds>", "stop with an error if the system still runs then").argParser(parseSeconds);

const program = new Command("bulkhead");
program
  .description("Bulkhead, a separation kernel for x86-64: build it, and boot systems of partitions in an emulator.")
  .showHelpAfterError("(add --help for what is possible)")
  .showSuggestionAfterError()
  .helpCommand("help [command]", "show help for a command");

program
  .command("build")
  .description("bring build/ up to date: build/bulkhead.elf, the TypeScript partitions and the audit's report")
  .action(async () => (await import("./commands/build.ts")).buildCommand());

program
  .command("boot")
  .description("build, then boot a system; in a terminal, Ctrl-] switches the keyboard to the next partition, Ctrl-\\ quits")
  .argument("<system>", "name of a folder in examples/, or the path of a system file")
  .addOption(emulatorOption())
  .addOption(timeoutOption())
  .addOption(new Option("--device <device>", "QEMU: one device more, as after its -device; may be repeated").default([]).argParser(collect))
  .addOption(new Option("--drive <drive>", "QEMU: one drive more, as after its -drive; may be repeated").default([]).argParser(collect))
  .action(async (system: string, options: BootOptions) => (await import("./commands/boot.ts")).bootCommand(system, options));

program
  .command("demo")
  .description("boot examples/demo: Debian Linux and a TypeScript partition side by side; without a terminal it ends by itself")
  .addOption(emulatorOption())
  .addOption(timeoutOption())
  .action(async (options: BootOptions) => (await import("./commands/boot.ts")).demoCommand(options));

program
  .command("image")
  .description("build, then write a system as a hybrid image that starts under BIOS and UEFI, from a CD, a disk or a USB stick")
  .argument("<system>", "name of a folder in examples/, or the path of a system file")
  .option("-o, --output <file>", "file to write; by default build/images/NAME.iso")
  .action(async (system: string, options: ImageOptions) => (await import("./commands/image.ts")).imageCommand(system, options));

program
  .command("flash")
  .description("write an image to a removable device, and read it back; everything on the device is lost")
  .argument("<device>", "whole device, such as /dev/sdb; it must be removable, large enough and not mounted")
  .argument("<image>", "what `bulkhead image` wrote")
  .option("--yes", "do not ask before the device's content is destroyed")
  .action(async (device: string, image: string, options: FlashOptions) => (await import("./commands/flash.ts")).flashCommand(device, image, options));

program
  .command("test")
  .description("build, then run the unit tests, the audit's tests and the boots in an emulator")
  .argument("[filters...]", "parts of test file names; all tests if left out")
  .addOption(new Option("--project <name>", "run one kind of test only").choices(["unit", "boot", "fuzz"]))
  .action(async (filters: string[], options: { project?: string }) => (await import("./commands/test.ts")).testCommand(filters, options));

program
  .command("bench")
  .description("measure lines of code, the boot, what exits cost a guest, and Linux's way to its /init with Bulkhead and bare")
  .addOption(new Option("--json <file>", "also write the figures as an array of {name, value, unit, goal}").conflicts("profile"))
  .option("--profile", "tell instead where the instructions of an exit go")
  .action(async (options: BenchOptions) => (await import("./commands/bench.ts")).benchCommand(options));

program
  .command("fuzz")
  .description("let a guest do random things to the kernel on the simulated machine, and check after each what must hold")
  .addOption(new Option("--seed <number>", "of the random numbers; a new one if left out").argParser((text) => parseWhole(text, 0)))
  .addOption(new Option("--count <number>", "actions of the guest").default(1_000_000).argParser((text) => parseWhole(text, 1)))
  .action(async (options: FuzzCommandOptions) => (await import("./commands/fuzz.ts")).fuzzCommand(options));

program
  .command("doctor")
  .description("tell what this host can build and boot, what is missing, and the command that mends it; status 1 if a command cannot work")
  .action(async () => (await import("./commands/doctor.ts")).doctorCommand());

program
  .command("setup")
  .description("install the Debian packages that are missing; does nothing when all are there")
  .action(async () => (await import("./commands/setup.ts")).setupCommand());

try {
  await program.parseAsync();
} catch (error) {
  process.stderr.write(`${describeError(error)}\n`);
  process.exitCode = 1;
}

function collect(text: string, earlier: string[]): string[] {
  return [...earlier, text];
}

function parseWhole(text: string, lowest: number): number {
  const number = Number(text);
  if (Number.isInteger(number) && number >= lowest && number < 2 ** 32) return number;
  throw new InvalidArgumentError(`Give a whole number from ${lowest} to 4294967295.`);
}

function parseSeconds(text: string): number {
  const seconds = Number(text);
  if (Number.isFinite(seconds) && seconds > 0) return seconds;
  throw new InvalidArgumentError("Give a number of seconds above 0, such as 60.");
}
