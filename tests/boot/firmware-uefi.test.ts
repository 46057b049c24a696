// examples/uefi-linux: Debian's UEFI firmware boots the disk that SeaBIOS boots too (firmware-disk.test.ts), by its EFI system partition.

import { expect, test } from "vitest";
import example from "../../examples/uefi-linux/system.ts";
import { bootTyping, COMMANDS, ENTER, expectLinux, MENU_DRAWN, NEXT_ENTRY, SHELL_READY } from "./helpers/firmware-linux.ts";

/** OVMF unpacks itself, which takes Bochs most of this time. */
const TIMEOUT_SECONDS = 540;

test("OVMF boots a disk to GRUB, an entry is chosen by key, and Linux comes up to a shell", async () => {
  const output = await bootTyping(example, "test-uefi-disk", TIMEOUT_SECONDS, [
    [MENU_DRAWN, `${NEXT_ENTRY}${ENTER}`],
    [SHELL_READY, COMMANDS],
  ]);
  expect(output.of("linux").join("\n")).toContain("BdsDxe: starting Boot");
  expectLinux(output, "256 MiB", 0);
}, (TIMEOUT_SECONDS + 300) * 1000);
