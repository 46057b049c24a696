// Two partitions on two threads of one core are refused by name; how threads are numbered, CPUID says.

import { beforeAll, describe, expect, test } from "vitest";
import { enumReader } from "../machine/source-enums.ts";
import { readProfile, type Profile } from "./capabilities.ts";
import { compileKernel, KernelMachine, type KernelModules } from "./kernel-machine.ts";
import type { KernelOptions } from "./kernel-options.ts";

const reason = enumReader("kernel/boot/fatal.ts", "FatalReason");
const HTT = 1 << 28;

let module: KernelModules;
beforeAll(async () => {
  module = await compileKernel();
}, 240_000);

/** A processor that knows leaves up to `highest` and these of them. */
function processor(highest: number, leaves: Record<string, number[]>): Profile {
  const profile = readProfile();
  const [, ...vendor] = profile.cpuid.get("0x0")!;
  profile.cpuid.set("0x0", [highest, ...vendor]);
  for (const [leaf, values] of Object.entries(leaves)) profile.cpuid.set(leaf, values);
  return profile;
}

/** CPUID.1 with this many APIC identifiers in the package, CPUID.4 with this many for cores. */
function legacy(identifiers: number, cores: number, flags = HTT): Record<string, number[]> {
  const [eax = 0, , ecx = 0, edx = 0] = readProfile().cpuid.get("0x1")!;
  return { "0x1": [eax, identifiers << 16, ecx, (edx & ~HTT) | flags], "0x4": [((cores - 1) << 26) | 0x121, 0, 0, 0] };
}

/** CPUID.0BH or 1FH: a core has 1 << shift threads. */
function topology(leaf: string, shift: number): Record<string, number[]> {
  return { [leaf]: [shift, 1 << shift, 0x100, 0], [`${leaf}.1`]: [4, 8, 0x201, 0], [`${leaf}.2`]: [0, 0, 2, 0] };
}

function boot(profile: Profile, options: KernelOptions): { end: string; lines: string[]; started: boolean } {
  const machine = new KernelMachine(module, { ...options, profile });
  const end = machine.boot();
  return { end, lines: machine.lines, started: machine.processor.vmxCalls.length > 0 };
}

function refusals(profile: Profile, partitions: KernelOptions["partitions"], cores = 4): string[] {
  return boot(profile, { cores, partitions }).lines.flatMap((text) => /refused: (partitions .*)$/.exec(text)?.[1] ?? []);
}

const THREADS = processor(0xd, topology("0xb", 1));

describe("partitions on two threads of one core", () => {
  test("are refused with both names, the threads and the remedy, before VMX is switched on", () => {
    const { end, lines, started } = boot(THREADS, { cores: 2, partitions: [{ name: "control" }, { name: "office" }] });
    expect(end).toBe("halt");
    expect(lines.join("\n")).toContain(
      "refused: partitions control and office on two threads of one core (APIC IDs 0 and 1): give one another core, or switch hyper-threading off in the firmware",
    );
    expect(lines.join("\n")).toContain(`fatal ${reason("ProcessorUnsuitable")} on core 0`);
    expect(started).toBe(false);
  });

  test("each such pair is named", () => {
    const named = refusals(processor(0xd, topology("0xb", 2)), [{ name: "a" }, { name: "b" }, { name: "c" }]);
    expect(named.map((text) => text.slice("partitions ".length, "partitions a and b".length))).toEqual(["a and b", "a and c", "b and c"]);
  });

  test("on cores of their own they start, and the threads beside them stay parked", () => {
    const options: KernelOptions = { cores: 4, partitions: [{ name: "control", core: 0 }, { name: "office", core: 2 }] };
    const { lines } = boot(THREADS, options);
    expect(lines.filter((text) => text.includes("refused"))).toEqual([]);
    expect(lines.join("\n")).toContain("sealed: every EPT and page table matches the policy");
  });
});

describe("which APIC identifiers share a core", () => {
  const NEIGHBOURS = [{ name: "a", core: 0 }, { name: "b", core: 1 }];
  const APART = [{ name: "a", core: 0 }, { name: "b", core: 2 }];

  test.each<[string, Profile, number, number]>([
    ["leaf 0BH, one thread a core", processor(0xd, topology("0xb", 0)), 0, 0],
    ["leaf 0BH, two threads", THREADS, 1, 0],
    ["leaf 0BH, four threads", processor(0xd, topology("0xb", 2)), 1, 1],
    ["leaf 1FH goes before 0BH", processor(0x1f, { ...topology("0xb", 0), ...topology("0x1f", 1) }), 1, 0],
    ["an empty leaf 1FH does not", processor(0x1f, { ...topology("0xb", 1), "0x1f": [0, 0, 0, 0] }), 1, 0],
    ["a first level that is not of threads", processor(0xd, { "0xb": [4, 8, 0x200, 0] }), 0, 0],
    ["leaves 1 and 4: 2 identifiers, 1 core", processor(4, legacy(2, 1)), 1, 0],
    ["leaves 1 and 4: 8 identifiers, 2 cores", processor(4, legacy(8, 2)), 1, 1],
    ["leaves 1 and 4: 6 identifiers, 3 cores", processor(4, legacy(6, 3)), 1, 0],
    ["leaves 1 and 4: as many cores as identifiers", processor(4, legacy(8, 8)), 0, 0],
    ["leaves 1 and 4: fewer identifiers than cores", processor(4, legacy(2, 8)), 0, 0],
    ["leaves 1 and 4 without HTT", processor(4, legacy(8, 2, 0)), 0, 0],
  ])("%s", (_, profile, neighbours, apart) => {
    expect([refusals(profile, NEIGHBOURS).length, refusals(profile, APART).length]).toEqual([neighbours, apart]);
  });
});
