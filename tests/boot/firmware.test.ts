// Partitions that start with Debian's firmware for PCs instead of a kernel.

import { expect, test } from "vitest";
import { bios } from "../../scripts/policy/language.ts";
import { bootSystem } from "./helpers/system.ts";

const TIMEOUT_SECONDS = 60;

test("SeaBIOS starts, says so on COM1, and finds no disk to boot", async () => {
  const output = await bootSystem(
    { name: "test-bios", partitions: [{ name: "bios", core: 0, memory: "16 MiB", image: bios() }] },
    { timeoutSeconds: TIMEOUT_SECONDS, until: /No bootable device/ },
  );
  const said = output.of("bios").join("\n");
  expect(said).toContain("SeaBIOS (version ");
  expect(said).toContain("Boot failed: could not read the boot disk");
  expect(said).toContain("No bootable device.");
  // Firmware looks for much that is not there, and none of it is a violation.
  expect(output.kernel.filter((line) => line.startsWith("audit: "))).toEqual([]);
});
