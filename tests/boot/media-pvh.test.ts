// QEMU's -kernel: the kernel enters by its PVH note and finds memory map, command line, RSDP and modules.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { kernelElf } from "../../scripts/build/paths.ts";
import { packModules } from "../../scripts/emulator/ram-disk.ts";
import { compileDescription } from "../../scripts/policy/compile.ts";
import { typescript } from "../../scripts/policy/language.ts";
import { runQemu, type MediaResult } from "./helpers/media-machine.ts";

const MACHINE_UNFIT = "fatal 8 on core 0: the machine lacks what the kernel needs";
const POLICY_INVALID = "fatal 10 on core 0: policy invalid";
const CORES = 2;

let folder: string;
/** policy.bin, then the partition's image. */
let modules: Buffer[];

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), "bulkhead-pvh-"));
  const partitions = [{ name: "witness", core: 1, memory: "4 MiB", image: typescript("witness") }];
  const { policy, modules: images } = await compileDescription({ name: "test-media-pvh", partitions }, import.meta.filename);
  modules = [policy, ...images].map((file) => readFileSync(file));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Boots with `disk` as -initrd until the debug console has had `lastWords`. */
function boot(disk: Buffer | null, lastWords: string, commandLine = ""): Promise<MediaResult> {
  const file = path.join(folder, "ram-disk");
  if (disk !== null) writeFileSync(file, disk);
  return runQemu(["-kernel", kernelElf, "-append", commandLine, ...(disk === null ? [] : ["-initrd", file])], { cores: CORES }, lastWords);
}

describe("the kernel by its PVH note", () => {
  test("finds RSDP and memory map, reads the policy, and says on every console what the machine lacks", async () => {
    const { serial, debugConsole } = await boot(packModules(modules), MACHINE_UNFIT);
    for (const console of [serial, debugConsole]) {
      expect(console).toMatch(/\[bulkhead\] 2 cores, TSC \d+ kHz, 2\d\d MiB free/);
      expect(console).toContain("[bulkhead] missing: CPUID.1:ECX bit 5 (VMX)");
      expect(console).toContain(MACHINE_UNFIT);
    }
  });

  test("obeys the command line", async () => {
    const { serial, debugConsole } = await boot(packModules(modules), "missing: CPUID.1", "first console=e9 last");
    expect(debugConsole).toContain("[bulkhead] 2 cores");
    expect(serial).not.toContain("[bulkhead] 2 cores");
  });

  test("needs the module that the policy names", async () => {
    const { debugConsole } = await boot(packModules(modules.slice(0, 1)), POLICY_INVALID);
    expect(debugConsole).toContain(POLICY_INVALID);
  });

  test("starts without modules as far as it can", async () => {
    expect((await boot(null, MACHINE_UNFIT)).debugConsole).toContain(MACHINE_UNFIT);
  });

  test.each<[string, () => Buffer, RegExp]>([
    ["is no container", () => Buffer.alloc(8192, 0x20), /-initrd is no container of modules/],
    ["counts more modules than it can hold", () => changed((disk) => disk.writeBigUInt64LE(1n << 60n, 8)), /the container ends early/],
    ["has a module behind its end", () => changed((disk) => disk.writeBigUInt64LE(BigInt(disk.length + 1), 16)), /a module leaves its container/],
    ["has a module that is too long", () => changed((disk) => disk.writeBigUInt64LE(0xffff_ffff_ffff_f000n, 24)), /a module leaves its container/],
    ["has more modules than the kernel has room for", () => packModules(Array.from({ length: 700 }, () => Buffer.alloc(0))), /more than 64 modules/],
  ])("refuses a RAM disk that %s", async (_, disk, message) => {
    const { serial, debugConsole } = await boot(disk(), "boot information malformed\r\n", "console=e9,com1");
    for (const console of [serial, debugConsole]) {
      expect(console).toMatch(/\[bulkhead\] fatal 2 on core 0: boot information malformed/);
      expect(console).toMatch(message);
    }
  });
});

function changed(change: (disk: Buffer) => void): Buffer {
  const disk = packModules(modules);
  change(disk);
  return disk;
}
