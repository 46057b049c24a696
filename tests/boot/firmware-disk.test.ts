// examples/bios-linux: Debian's firmware for PCs boots a disk to GRUB, whose menu is on the serial console, and then Linux on two vCPUs.

import { expect, test } from "vitest";
import example from "../../examples/bios-linux/system.ts";
import { bootTyping, COMMANDS, ENTER, expectLinux, MENU_DRAWN, NEXT_ENTRY, SHELL_READY } from "./helpers/firmware-linux.ts";

const TIMEOUT_SECONDS = 400;
const FIRMWARE_STARTS = /SeaBIOS \(version /;

test("SeaBIOS boots a disk to GRUB, entries are chosen on the serial console: a reboot, then Linux to a shell", async () => {
  const output = await bootTyping(example, "test-bios-disk", TIMEOUT_SECONDS, [
    [MENU_DRAWN, `${NEXT_ENTRY.repeat(3)}${ENTER}`],
    [FIRMWARE_STARTS, ""],
    [MENU_DRAWN, `${NEXT_ENTRY}${ENTER}`],
    [SHELL_READY, COMMANDS],
  ]);
  const said = output.of("linux");
  expect(said.filter((line) => line.includes("Booting from Hard Disk..."))).toHaveLength(2);
  expectLinux(output, "128 MiB", 1);
}, (TIMEOUT_SECONDS + 300) * 1000);
