// Ends and restarts of one partition, in Bochs: by its policy's health actions, and by its own wish. Its neighbour
// never notices.

import { describe, expect, test } from "vitest";
import type { SystemDescription } from "../../scripts/policy/language.ts";
import { attackSystem, untouched } from "./helpers/attack-system.ts";
import { bootSystem, type SystemOutput } from "./helpers/system.ts";

type Health = NonNullable<SystemDescription["partitions"][number]["health"]>;

const TIMEOUT_SECONDS = 40;

async function boot(name: string, attacks: readonly string[], health: Health): Promise<SystemOutput> {
  return bootSystem(attackSystem(name, attacks, { attacker: { health } }), { timeoutSeconds: TIMEOUT_SECONDS });
}

function starts(output: SystemOutput): number {
  return output.kernel.filter((line) => line.startsWith("partition attacker starts on core")).length;
}

function expectNeighbourUntouched(output: SystemOutput): void {
  expect(output.of("neighbour")).toEqual(untouched());
  expect(output.summary("neighbour")).toContain("powered off, restarts 0, violations 0");
}

describe("a triple fault", () => {
  test("restarts the partition up to the limit of its policy, then ends it", async () => {
    const output = await boot("test-health-restart", ["triple-fault"], { fault: "restart", restartLimit: 2 });
    expect(starts(output)).toBe(3);
    expect(output.of("attacker")).toEqual(Array.from({ length: 3 }, () => "attack triple-fault: now"));
    expect(output.kernel.filter((line) => line === "partition attacker restarts")).toHaveLength(2);
    expect(output.kernel).toContain("partition attacker stopped: restarted too often");
    expect(output.summary("attacker")).toContain("restarted too often, restarts 2");
    expectNeighbourUntouched(output);
  });
});

describe("a violation is answered as the policy says", () => {
  const cases: [keyof Health, string, string][] = [
    ["memory", "read:0x20000000", "read guest-physical 0x000020000000, which is not its memory"],
    ["port", "out:0xcf9:0x6", "wrote 1 byte at port 0x0cf9"],
    ["msr", "rdmsr:0x480", "read MSR 0x00000480"],
  ];

  test.each(cases)("%s: stop", async (kind, attack, what) => {
    const output = await boot(`test-health-stop-${kind}`, [attack, "vmxon"], { [kind]: "stop" });
    expect(output.audits("attacker", 0).map((audit) => audit.what)).toEqual([what]);
    expect(output.of("attacker")).not.toContain("attack: over");
    expect(output.summary("attacker")).toContain("stopped after a violation, restarts 0, violations 1");
    expectNeighbourUntouched(output);
  });

  test("inject a fault", async () => {
    const output = await boot("test-health-inject", cases.map(([, attack]) => attack), { memory: "inject-fault", port: "inject-fault", msr: "inject-fault" });
    expect(output.of("attacker")).toEqual([...cases.map(([, attack]) => `attack ${attack}: faulted #GP`), "attack: over"]);
    expectNeighbourUntouched(output);
  });

  test("ignore it: all ones, and the partition goes on", async () => {
    const output = await boot("test-health-ignore", ["read:0x20000000", "in:0x64", "rdmsr:0x480"], { memory: "ignore", port: "ignore", msr: "ignore" });
    expect(output.of("attacker")).toEqual([
      "attack read:0x20000000: read ffffffff",
      "attack in:0x64: read ff",
      "attack rdmsr:0x480: read ffffffffffffffff",
      "attack: over",
    ]);
    expectNeighbourUntouched(output);
  });
});

describe("a partition with virtual power management", () => {
  const devices: SystemDescription["partitions"][number]["devices"] = ["local-apic", "power-management"];

  test("powers itself off by ACPI S5, and nothing else", async () => {
    const output = await bootSystem(attackSystem("test-power-off", ["out16:0x604:0x3400"], { attacker: { devices } }), { timeoutSeconds: TIMEOUT_SECONDS });
    expect(output.summary("attacker")).toBe("summary: attacker: core 0, 4 MiB, powered off, restarts 0, violations 0");
    expect(output.of("attacker")).toEqual([]);
    expectNeighbourUntouched(output);
  });

  test.each([["0xcf9", "0x6"], ["0x92", "0x1"], ["0x64", "0xfe"]])("restarts itself by port %s, as often as it likes, and nothing else", async (port, value) => {
    const description = attackSystem(`test-reset-${port}`, ["delay:50", `out:${port}:${value}`], { attacker: { core: 1, devices } });
    const output = await bootSystem(description, { timeoutSeconds: TIMEOUT_SECONDS, until: /partition neighbour stopped/ });
    expect(output.result.reason).toBe("stopped");
    expect(starts(output)).toBeGreaterThan(4);
    expect(output.audits("attacker", 1)).toEqual([]);
    expect(output.of("neighbour")).toEqual(untouched());
  });
});
