// Partitions that start with Debian's firmware for PCs instead of a kernel.

import { expect, test } from "vitest";
import { bios } from "../../scripts/policy/language.ts";
import { buildGuestKernel } from "./helpers/guest-kernels.ts";
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

test("attack: a ROM that writes to itself stays as it is, and its copy below 1 MiB is fresh after a restart", async () => {
  const firmware = await buildGuestKernel("rom.bin", { source: "rom", bits: 32, address: 0, flat: true });
  let runs = 0;
  const output = await bootSystem(
    { name: "test-rom", partitions: [{ name: "rom", core: 0, memory: "2 MiB", image: bios({ firmware }) }] },
    {
      timeoutSeconds: TIMEOUT_SECONDS,
      onLine: (line, machine) => {
        if (line.startsWith("[rom] ") && ++runs === 3) machine.stop();
      },
    },
  );
  // What the ROM holds, what its copy holds, and what the copy holds once it was written.
  expect(output.of("rom").slice(0, 3)).toEqual(["rom: RRX", "rom: RRX", "rom: RRX"]);
  expect(output.kernel.filter((line) => line === "partition rom restarts").length).toBeGreaterThanOrEqual(2);
  expect(output.kernel.filter((line) => line.startsWith("audit: "))).toEqual([]);
});
