// Debian's cloud kernel, unmodified, in Bochs: the demo as `npm start` runs it without a terminal, and the bzImage.

import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { linux } from "../../scripts/policy/language.ts";
import { projectDirectory } from "../../scripts/policy/project.ts";
import { bootSystem } from "./helpers/system.ts";

const TIMEOUT_SECONDS = 280;
const TEST_TIMEOUT_MS = 300_000;
/** Nothing of what makes the demo faster, but for the self tests of ciphers, which take half a minute in Bochs. */
const PLAIN_COMMAND_LINE = "console=ttyS0 cryptomgr.notests bulkhead_after=power-off";

/** Lines of one partition, or of the kernel, in the demo's output. */
function linesOf(lines: readonly string[], name: string): string[] {
  const prefix = `[${name}] `;
  return lines.filter((line) => line.startsWith(prefix)).map((line) => line.slice(prefix.length));
}

describe("the demo: Linux by PVH next to a partition in TypeScript", () => {
  let status: number | null = null;
  let lines: string[] = [];
  let linuxLines: string[] = [];
  let clockLines: string[] = [];
  let kernelLines: string[] = [];

  beforeAll(async () => {
    const cli = path.join(projectDirectory, "scripts/bootstrap.mjs");
    const demo = spawn(process.execPath, [cli, "demo", "--on", "bochs", "--timeout", String(TIMEOUT_SECONDS)], { cwd: projectDirectory, stdio: ["ignore", "pipe", "inherit"] });
    const output: Buffer[] = [];
    demo.stdout.on("data", (bytes: Buffer) => output.push(bytes));
    [status] = (await once(demo, "close")) as [number | null];
    lines = Buffer.concat(output).toString("latin1").split(/\r?\n/);
    [linuxLines, clockLines, kernelLines] = [linesOf(lines, "linux"), linesOf(lines, "clock"), linesOf(lines, "bulkhead")];
  }, TEST_TIMEOUT_MS);

  const indexOf = (pattern: RegExp): number => lines.findIndex((line) => pattern.test(line));

  test("ends by itself with status 0", () => {
    expect(status).toBe(0);
  });

  test("gives each partition its own core and memory, behind the seal", () => {
    expect(kernelLines).toContain("sealed: every EPT and page table matches the policy");
    expect(kernelLines.join("\n")).toMatch(/partition linux starts on core 0 with 128 MiB at/);
    expect(kernelLines.join("\n")).toMatch(/partition clock starts on core 1 with 16 MiB at/);
  });

  test("runs an application in Linux that reads the time and sees its own machine only", () => {
    const output = linuxLines.join("\n");
    expect(output).toMatch(/demo: Linux 6\.\S+ x86_64/);
    const memory = /demo: memory (\d+) kB, processors 1, hypervisor yes/.exec(output)?.[1];
    // What is left of 128 MiB beside the kernel itself.
    expect(Number(memory)).toBeGreaterThan(64 * 1024);
    expect(Number(memory)).toBeLessThan(128 * 1024);
    const time = /demo: date (\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d) UTC/.exec(output);
    // Bochs starts its clock at the host's time; a guest that boots for a minute of virtual time is near to it.
    const seconds = Date.parse(`${time?.[1]}T${time?.[2]}Z`) / 1000;
    expect(Math.abs(seconds - Date.now() / 1000)).toBeLessThan(86_400);
  });

  test("takes commands in the Linux shell", () => {
    expect(linuxLines.join("\n")).toMatch(/linux# .*uname -a\nLinux linux 6\.[^\n]*Debian[^\n]*x86_64/);
    expect(linuxLines.join("\n")).toMatch(/MemTotal: +\d+ kB/);
  });

  test("runs both at once: the clock ticks before and after lines of Linux' boot", () => {
    const init = indexOf(/^\[linux\] bulkhead: init reached/);
    const ticks = lines.flatMap((line, index) => (/^\[clock\] clock: tick \d+/.test(line) ? [index] : []));
    expect(init).toBeGreaterThan(0);
    expect(ticks.some((tick) => tick < init)).toBe(true);
    expect(ticks.some((tick) => tick > init)).toBe(true);
    expect(clockLines.filter((line) => /^clock: tick \d+/.test(line))).toHaveLength(30);
    // Late by no more than a tenth of a second of virtual time, whatever Linux does.
    for (const line of clockLines.filter((text) => text.startsWith("clock: tick"))) {
      expect(Number(/late by (\d+) us/.exec(line)?.[1])).toBeLessThan(100_000);
    }
  });

  test("begins each line with the name of who printed it", () => {
    for (const line of lines.filter((text) => text !== "")) expect(line).toMatch(/^\[(linux|clock|bulkhead)\] /);
  });

  test("sums up partitions, memory and exits by reason", () => {
    const summary = kernelLines.filter((line) => line.startsWith("summary: "));
    expect(summary[0]).toBe("summary: no partition runs any more");
    expect(summary).toContainEqual(expect.stringMatching(/^summary: linux: core 0, 128 MiB, powered off, restarts 0, violations \d+$/));
    expect(summary).toContain("summary: clock: core 1, 16 MiB, powered off, restarts 0, violations 0");
    const exits = (name: string, reason: string): number => Number(summary.map((line) => new RegExp(`^summary: ${name}: exits ${reason} (\\d+)$`).exec(line)?.[1]).find((count) => count !== undefined) ?? 0);
    for (const reason of ["external interrupt", "CPUID", "HLT", "I/O", "RDMSR", "WRMSR", "preemption timer"]) expect(exits("linux", reason), reason).toBeGreaterThan(0);
    for (const reason of ["CPUID", "HLT", "VMCALL", "WRMSR", "preemption timer"]) expect(exits("clock", reason), reason).toBeGreaterThan(0);
  });
});

test("the same kernel with the local APIC virtualised by the processor", async () => {
  const output = await bootSystem(
    { name: "test-linux-virtual-apic", partitions: [{ name: "linux", core: 0, memory: "128 MiB", image: linux({ commandLine: PLAIN_COMMAND_LINE }) }] },
    { timeoutSeconds: TIMEOUT_SECONDS, commandLine: "apic-virtualisation=on" },
  );
  expect(output.result.reason).toBe("ended");
  expect(output.of("linux").join("\n")).toMatch(/demo: Linux 6\.\S+ x86_64/);
  expect(output.kernel).toContain("local APICs: virtualised by the processor: registers, virtual-interrupt delivery, x2APIC");
  expect(output.kernel.join("\n")).toContain("exits APIC write");
}, TEST_TIMEOUT_MS);

test("Debian's bzImage boots by the 64-bit boot protocol, runs its application and powers off", async () => {
  const output = await bootSystem(
    {
      name: "test-linux-bzimage",
      partitions: [{ name: "linux", core: 0, memory: "160 MiB", image: linux({ boot: "bzimage", commandLine: PLAIN_COMMAND_LINE }) }],
    },
    { timeoutSeconds: TIMEOUT_SECONDS },
  );
  expect(output.result.reason).toBe("ended");
  expect(output.of("linux").join("\n")).toMatch(/demo: Linux 6\.\S+ x86_64/);
  expect(output.of("linux").join("\n")).toMatch(/demo: date \d{4}-/);
  expect(output.of("linux").join("\n")).toMatch(/x86\/fpu: Enabled xstate features 0xe7/);
  // A warning or an oops of Linux: the virtual machine is not what its CPUID says.
  expect(output.of("linux").join("\n")).not.toContain("cut here");
  expect(output.summary("linux")).toMatch(/^summary: linux: core 0, 160 MiB, powered off, restarts 0/);
}, TEST_TIMEOUT_MS);
