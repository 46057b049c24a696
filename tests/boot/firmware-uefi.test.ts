// Debian's UEFI firmware boots the disk image that SeaBIOS boots too (firmware-disk.test.ts), by its EFI system partition.

import { expect, test } from "vitest";
import { ensureBootDisk } from "../../scripts/guests/boot-disk.ts";
import { uefi } from "../../scripts/policy/language.ts";
import { bootSystem } from "./helpers/system.ts";

/** OVMF unpacks itself, which takes Bochs most of this time. */
const TIMEOUT_SECONDS = 540;

test("OVMF boots a disk to GRUB and Linux", async () => {
  const disk = { file: await ensureBootDisk(), readOnly: true };
  const output = await bootSystem(
    { name: "test-uefi-disk", partitions: [{ name: "guest", core: 0, memory: "256 MiB", image: uefi(), disk }] },
    { timeoutSeconds: TIMEOUT_SECONDS },
  );
  const said = output.of("guest").join("\n");
  expect(said).toContain("BdsDxe: starting Boot");
  expect(said).toContain("GNU GRUB");
  expect(said).toContain("grub: Linux, then power off");
  expect(said).toContain("demo: Linux 6.");
  expect(output.result.reason).toBe("ended");
  expect(output.summary("guest")).toContain("256 MiB, powered off, restarts 0");
});
