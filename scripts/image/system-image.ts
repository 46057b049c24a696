// A compiled system as one image that a machine boots.

import { renameSync, rmSync } from "node:fs";
import path from "node:path";
import { bootImage } from "../commands/machine.ts";
import { makeIso, supportedFirmware } from "../emulator/index.ts";
import { UserError } from "../error.ts";
import type { CompiledSystem } from "../policy/compile.ts";
import { kernelElf } from "../build/paths.ts";

const FIRMWARE_NAMES = { bios: "BIOS", uefi: "UEFI" } as const;

/** Writes the image, whose kernel speaks on every console there is, and returns the names of the firmware that starts it. */
export async function makeSystemImage(system: CompiledSystem, output: string, kernel = kernelElf): Promise<string[]> {
  const firmware = supportedFirmware();
  if (firmware.length < 2) throw new UserError("GRUB is not there for both BIOS and UEFI", "Run `npx bulkhead setup`, which installs what is missing.");
  // Beside the target, so that a failure leaves an older image whole and the new one appears at once.
  const partial = path.join(path.dirname(output), `.${path.basename(output)}.${process.pid}`);
  try {
    await makeIso(bootImage(system, "", kernel), partial);
    renameSync(partial, output);
  } finally {
    rmSync(partial, { force: true });
  }
  return firmware.map((one) => FIRMWARE_NAMES[one]);
}
