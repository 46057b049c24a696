// Partitions with several vCPUs, in Bochs: start, IPIs, ends and restarts by any vCPU, Linux; and what a partition sends to others that
// are none of its own. A neighbour on a core of its own notices nothing.

import { describe, expect, test } from "vitest";
import { linuxCommandLine } from "../../examples/linux-command-line.ts";
import { Typist } from "../../scripts/commands/typist.ts";
import type { RunningMachine } from "../../scripts/emulator/index.ts";
import { linux, typescript, type SystemDescription } from "../../scripts/policy/language.ts";
import { attackSystem, untouched } from "./helpers/attack-system.ts";
import { bootSystem, type SystemOptions, type SystemOutput } from "./helpers/system.ts";

type PartitionDescription = SystemDescription["partitions"][number];

const TIMEOUT_SECONDS = 60;
const LINUX_TIMEOUT_SECONDS = 280;

/** Cores 0 and 2 for the partition in question, core 1 for the neighbour. */
function boot(name: string, words: string, changes: Partial<PartitionDescription> = {}, options: Partial<SystemOptions> = {}): Promise<SystemOutput> {
  const devices: PartitionDescription["devices"] = ["local-apic", "power-management"];
  const smp: PartitionDescription = { name: "smp", cores: [0, 2], memory: "4 MiB", devices, image: typescript("smp", { commandLine: words }), ...changes };
  const neighbour: PartitionDescription = { name: "neighbour", core: 1, memory: "4 MiB", image: typescript("witness", { commandLine: "ticks=3" }) };
  return bootSystem({ name, partitions: [smp, neighbour] }, { timeoutSeconds: TIMEOUT_SECONDS, ...options });
}

function summaryOf(output: SystemOutput, partition: string): string {
  return output.kernel.find((line) => line.startsWith(`summary: ${partition}: core`)) ?? "no summary";
}

function expectNeighbourUntouched(output: SystemOutput): void {
  expect(output.result.reason).toBe("ended");
  expect(output.of("neighbour")).toEqual(untouched());
  expect(summaryOf(output, "neighbour")).toBe("summary: neighbour: core 1, 4 MiB, powered off, restarts 0, violations 0");
}

describe("two vCPUs", () => {
  test.each([
    ["software", ""],
    ["virtualised", "apic-virtualisation=on"],
  ])("start by INIT and SIPI, send IPIs (%s), are stopped by INIT, unmap a page and are woken by NMI; the second one powers the partition off", async (name, commandLine) => {
    const output = await boot(`test-smp-start-${name}`, "start:1 ipi:1 init:1 init-all shoot-down:1 nmi:1 off:1 rounds=50", {}, { commandLine });
    const [started, latency, again, counted, mapped, unmapped, woken, over] = output.of("smp");
    expect([started, again, counted, mapped, unmapped, woken, over]).toEqual([
      "smp: start:1 1", "smp: init:1 2", "smp: init-all 0", "smp: shoot-down:1 0", "smp: shoot-down:1 14", "smp: nmi:1 1", "smp: over to the other one",
    ]);
    expect(Number(/^bench exit\.ipi (\d+)$/.exec(latency ?? "")?.[1])).toBeGreaterThan(100);
    expect(output.kernel).toContainEqual(expect.stringMatching(/^partition smp starts on cores 0, 2 with 4 MiB at/));
    expect(summaryOf(output, "smp")).toBe("summary: smp: cores 0, 2, 4 MiB, powered off, restarts 0, violations 0");
    expectNeighbourUntouched(output);
  });

  test.each([
    ["software", ""],
    ["virtualised", "apic-virtualisation=on"],
  ])("a page that one unmaps is gone for the other one too once an NMI had it flush its translations (%s)", async (name, commandLine) => {
    const output = await boot(`test-smp-shoot-down-${name}`, "shoot-down:1 off:1", {}, { commandLine });
    expect(output.of("smp")).toEqual(["smp: shoot-down:1 0", "smp: shoot-down:1 14", "smp: over to the other one"]); // no exception, then #PF
    expectNeighbourUntouched(output);
  });

  test("a triple fault of the second one restarts both, then ends both", async () => {
    const output = await boot("test-smp-fault", "fault:1", { health: { fault: "restart", restartLimit: 2 } });
    expect(output.of("smp")).toEqual(Array.from({ length: 3 }, () => "smp: over to the other one"));
    expect(output.kernel.filter((line) => line === "partition smp restarts")).toHaveLength(2);
    expect(summaryOf(output, "smp")).toBe("summary: smp: cores 0, 2, 4 MiB, restarted too often, restarts 2, violations 3");
    expect(output.kernel.some((line) => line.startsWith("audit: smp core 2 RIP"))).toBe(true);
    expectNeighbourUntouched(output);
  });

  test("when all halt with interrupts off, the partition ends", async () => {
    const output = await boot("test-smp-halt", "halt:1");
    expect(summaryOf(output, "smp")).toBe("summary: smp: cores 0, 2, 4 MiB, halted with interrupts off, restarts 0, violations 0");
    expectNeighbourUntouched(output);
  });

  test.each([["reset", "a reset by the second one"], ["init-boot", "an INIT of the first one"]])("%s: %s restarts the partition", async (word) => {
    let restarts = 0;
    const output = await boot(`test-smp-${word}`, `${word}:1`, {}, {
      onLine: (line, machine) => {
        if (line === "[bulkhead] partition smp restarts" && ++restarts === 3) machine.stop();
      },
    });
    expect(restarts).toBeGreaterThanOrEqual(3);
    expect(output.of("smp").slice(0, 3)).toEqual(Array.from({ length: 3 }, () => "smp: over to the other one"));
  });
});

describe("INIT, SIPI, NMI and SMI of a partition", () => {
  const X2APIC = "wrmsr:0x1b:0xfee00d00";
  const commands = ["4500", "4608", "4400", "4200"];
  /** To all excluding self, and to the identifiers 1 and 2 (ICR bits 63:32), which cores of the machine have; 0 is the attacker itself. */
  const attacks = ["0xc", "0x10000", "0x20000"].flatMap((place) => commands.map((command) => `wrmsr:0x830:${place}${command}`));

  test.each([0, 1])("reach no core of its neighbour, sent from core %i", async (core) => {
    const output = await bootSystem(attackSystem(`test-smp-broadcast-${core}`, [X2APIC, ...attacks, "delay:300"], { attacker: { core } }), { timeoutSeconds: TIMEOUT_SECONDS });
    for (const attack of attacks) expect(output.of("attacker")).toContain(`attack ${attack}: completed`);
    expect(output.of("neighbour")).toEqual(untouched());
    expect(output.kernel.filter((line) => /neighbour: exits (INIT signal|exception or NMI)/.test(line))).toEqual([]);
  });
});

/** What /proc/interrupts counts for the second processor. */
function countOf(lines: readonly string[], interrupt: string): number {
  const form = new RegExp(`^${interrupt}: +\\d+ +(\\d+) `);
  return Number(lines.map((line) => form.exec(line)?.[1]).find((count) => count !== undefined));
}

test("Debian's Linux takes commands on both of its processors, and powers off", async () => {
  const commands = ["nproc", "taskset 2 echo on-second", "grep -E 'LOC|RES|CAL' /proc/interrupts", "poweroff -f"];
  let machine: RunningMachine | undefined;
  const typist = new Typist(commands, (text) => machine?.write(text));
  const output = await bootSystem(
    {
      name: "test-smp-linux",
      partitions: [
        { name: "linux", cores: [0, 2], memory: "160 MiB", image: linux({ commandLine: linuxCommandLine() }), keyboard: true },
        { name: "neighbour", core: 1, memory: "4 MiB", image: typescript("witness", { commandLine: "ticks=60" }) },
      ],
    },
    {
      timeoutSeconds: LINUX_TIMEOUT_SECONDS,
      interactive: true,
      onLine: (_line, running) => { machine = running; },
      onBytes: (bytes) => { typist.watch(bytes); },
    },
  );
  expect(output.result.reason).toBe("ended");
  expect(typist.done).toBe(true);
  const lines = output.of("linux");
  expect(lines.join("\n")).toMatch(/processors 2, hypervisor yes/);
  expect(lines).toContain("2");
  expect(lines).toContain("on-second");
  for (const interrupt of ["LOC", "RES", "CAL"]) expect(countOf(lines, interrupt), interrupt).toBeGreaterThan(0);
  expect(output.kernel).toContainEqual(expect.stringMatching(/^summary: linux: cores 0, 2, 160 MiB, powered off, restarts 0/));
  expect(output.of("neighbour")).toEqual(untouched(60));
}, 300_000);
