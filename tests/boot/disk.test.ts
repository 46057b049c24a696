// Virtual disks in Bochs: what a partition writes lasts over its restart and reaches nobody else; Debian's driver agrees.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { linuxCommandLine } from "../../examples/linux-command-line.ts";
import { Typist } from "../../scripts/commands/typist.ts";
import type { RunningMachine } from "../../scripts/emulator/index.ts";
import { linux, typescript, type SystemDescription } from "../../scripts/policy/language.ts";
import { bootSystem, type SystemOutput } from "./helpers/system.ts";

const TIMEOUT_SECONDS = 60;
const LINUX_TIMEOUT_SECONDS = 280;
const TEST_TIMEOUT_MS = 300_000;

const hypercalls: SystemDescription["partitions"][number]["hypercalls"] = ["version", "console-write", "power-off", "reset", "tsc-frequency"];

let folder: string;

/** A disk of two pages less a sector, whose sectors begin with `value`. */
function makeDisk(name: string, value: number): string {
  const bytes = Buffer.alloc(15 * 512);
  for (let sector = 0; sector < 15; sector++) bytes.writeUInt32LE(value, sector * 512);
  const file = path.join(folder, name);
  writeFileSync(file, bytes);
  return file;
}

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), "bulkhead-disk-"));
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

describe("drivers in TypeScript", () => {
  test("write each its own disk, keep it over a restart, and reach nothing outside their memory", async () => {
    const attacks = ["from:0x400000", "to:0x400000", "from:0xfee00000", "to:0x100000000", "from:0xfffffffffffff000", "loop"];
    const output = await bootSystem(
      {
        name: "test-disk",
        partitions: [
          {
            name: "writer", core: 0, memory: "4 MiB", hypercalls, disk: makeDisk("writer.img", 0x11111111),
            image: typescript("disk", { commandLine: `read:0 write:3:0xabcd0001 keep:14:0xabcd0002 ${attacks.join(" ")} read:0 read:3 read:14 read:15` }),
          },
          { name: "reader", core: 1, memory: "4 MiB", devices: ["local-apic", "io-apic"], disk: { file: makeDisk("reader.img", 0x22222222), readOnly: true }, image: typescript("disk", { commandLine: "read:3 write:3:0xabcd0003 pin:3 read:3" }) },
          { name: "without", core: 2, memory: "4 MiB", devices: ["local-apic", "pci"], image: typescript("disk") },
        ],
      },
      { timeoutSeconds: TIMEOUT_SECONDS },
    );
    expect(output.result.reason).toBe("ended");
    const data = (value: string): string => `data ${value}`;
    const begun = ["disk: 15 sectors", `disk: read done, ${data("11111111")}`, `disk: write done, ${data("abcd0001")}`];
    expect(output.of("writer")).toEqual([
      ...begun, `disk: keep done, ${data("abcd0002")}`,
      ...begun, "disk: kept",
      ...["from", "to", "from", "to", "from"].map((what) => `disk: ${what} I/O error, ${data("abcd0002")}`),
      `disk: loop needs reset, ${data("abcd0002")}`,
      `disk: read done, ${data("11111111")}`, `disk: read done, ${data("abcd0001")}`, `disk: read done, ${data("abcd0002")}`,
      `disk: read I/O error, ${data("0")}`,
      "disk: over",
    ]);
    expect(output.of("reader")).toEqual(["disk: 15 sectors", `disk: read done, ${data("22222222")}`, `disk: write I/O error, ${data("abcd0003")}`, `disk: pin interrupts 2, ${data("22222222")}`, `disk: read done, ${data("22222222")}`, "disk: over"]);
    expect(output.of("without")).toEqual(["disk: none"]);
    expect(output.summary("writer")).toContain("powered off, restarts 1, violations 0");
  }, TEST_TIMEOUT_MS);
});

/** Debian beside nothing, with the demo's disk and a shell into which the commands are typed. */
async function runDebian(name: string, commandLine: string, commands: string[]): Promise<SystemOutput> {
  let machine: RunningMachine | undefined;
  const typist = new Typist(commands, (text) => machine?.write(text));
  const output = await bootSystem(
    {
      name,
      partitions: [{ name: "linux", core: 0, memory: "128 MiB", image: linux({ commandLine }), disk: "demo", keyboard: true }],
    },
    {
      timeoutSeconds: LINUX_TIMEOUT_SECONDS,
      interactive: true,
      onLine: (_line, running) => {
        machine = running;
      },
      onBytes: (bytes) => typist.watch(bytes),
    },
  );
  expect(output.result.reason).toBe("ended");
  return output;
}

test("Debian mounts the disk, writes a file, restarts, and reads it again", async () => {
  const command = "if [ -f /disk/kept ]; then echo kept: $(cat /disk/kept); poweroff -f; else echo written-before > /disk/kept && umount /disk && reboot -f; fi";
  const output = await runDebian("test-linux-disk", linuxCommandLine(), [command, command]);
  const lines = output.of("linux").map((line) => line.trim());
  expect(lines.filter((line) => line === "demo: disk 8192 sectors, hello from the disk")).toHaveLength(2);
  expect(lines).toContain("kept: written-before");
  expect(output.summary("linux")).toContain("powered off, restarts 1");
}, TEST_TIMEOUT_MS);

test("Debian without MSI-X reads it by the interrupts of its pin, which _PRT routes", async () => {
  const output = await runDebian("test-linux-disk-pin", linuxCommandLine("pci=nomsi"), ["grep virtio0 /proc/interrupts; poweroff -f"]);
  const lines = output.of("linux").map((line) => line.trim());
  expect(lines).toContain("demo: disk 8192 sectors, hello from the disk");
  expect(lines.find((line) => /^10: +[1-9][0-9]* +IO-APIC +10-fasteoi +virtio0$/.test(line)), lines.slice(-20).join("\n")).toBeDefined();
  expect(output.summary("linux")).toContain("powered off, restarts 0");
}, TEST_TIMEOUT_MS);
