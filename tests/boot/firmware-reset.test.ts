// A partition with SeaBIOS and two vCPUs starts from its disk again after each way to reset a PC, and ends when it is powered off.

import { readFileSync, writeFileSync } from "node:fs";
import { beforeAll, expect, test } from "vitest";
import { bios } from "../../scripts/policy/language.ts";
import { buildGuestKernel } from "./helpers/guest-kernels.ts";
import { bootSystem, type SystemOutput } from "./helpers/system.ts";

const TIMEOUT_SECONDS = 90;
/** Less than a cylinder of 16 heads and 63 sectors is no disk to SeaBIOS. */
const DISK_SIZE = 0x100000;
/** By 0xcf9, the keyboard controller, port 0x92, a triple fault, and the BIOS. */
const RESETS = 5;

let output: SystemOutput;

beforeAll(async () => {
  const sector = await buildGuestKernel("boot-sector.img", { source: "boot-sector", bits: 32, address: 0x7c00, flat: true });
  const disk = Buffer.alloc(DISK_SIZE);
  readFileSync(sector).copy(disk);
  writeFileSync(sector, disk);
  output = await bootSystem(
    {
      name: "test-bios-reset",
      partitions: [
        {
          name: "pc",
          cores: [0, 1],
          memory: "16 MiB",
          image: bios(),
          disk: sector,
          devices: ["local-apic", "io-apic", "pic", "pit", "uart", "rtc", "power-management", "pci", "debug-console"],
          health: { fault: "restart", restartLimit: RESETS },
        },
      ],
    },
    { timeoutSeconds: TIMEOUT_SECONDS },
  );
}, (TIMEOUT_SECONDS + 60) * 1000);

test("each reset starts the firmware, which boots the disk, on which what was written lasts", () => {
  const boots = output.of("pc").filter((line) => line.startsWith("boot-sector: "));
  expect(boots).toEqual([1, 2, 3, 4, 5, 6].map((number) => `boot-sector: boot ${number}`));
  for (const line of ["SeaBIOS (version ", "found virtio-blk at 00:02.0", "Found 2 cpu(s) max supported 2 cpu(s)"]) {
    expect(output.of("pc").filter((said) => said.startsWith(line)), line).toHaveLength(RESETS + 1);
  }
  expect(output.kernel.filter((line) => line === "partition pc restarts")).toHaveLength(RESETS);
});

test("a power-off ends the partition; only the triple fault was a violation", () => {
  expect(output.kernel.filter((line) => line.startsWith("audit: "))).toHaveLength(1);
  expect(output.summary("pc")).toBe(`summary: pc: cores 0, 1, 16 MiB, powered off, restarts ${RESETS}, violations 1`);
  expect(output.result.reason).toBe("ended");
});
