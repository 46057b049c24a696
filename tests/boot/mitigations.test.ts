// The sequences against speculation, executed: Bochs's Ice Lake has the MSRs for all of them, its Skylake-X for none.

import { describe, expect, test } from "vitest";
import { system, typescript, type SystemDescription } from "../../scripts/policy/language.ts";
import { bootSystem, type SystemOutput } from "./helpers/system.ts";

const TIMEOUT_SECONDS = 40;
const ICE_LAKE = "corei7_icelake_u";
/** Calls that fill the return stack buffer, one LFENCE behind them, and the writes of three MSRs. */
const LEAST_COST = 32 + 1 + 3;
/** Besides those: tests of what is asked for, and the operands of WRMSR. */
const MOST_COST = 75;

function benchSystem(name: string): SystemDescription {
  return system({ name, partitions: [{ name: "bench", core: 0, memory: "16 MiB", image: typescript("bench") }] });
}

function line(output: SystemOutput): string | undefined {
  return output.kernel.find((text) => text.startsWith("mitigations: "));
}

function exitCost(output: SystemOutput, exit: string): number {
  const value = output.lines.map((text) => new RegExp(`bench exit\\.${exit} (\\d+)`).exec(text)?.[1]).find((number) => number !== undefined);
  if (value === undefined) throw new Error(`no figure of ${exit}:\n${output.lines.join("\n")}`);
  return Number(value);
}

describe("exits and entries", () => {
  test("of a processor without the MSRs run no sequence; of one that is asked for all run them, and the guest goes on", async () => {
    const plain = await bootSystem(benchSystem("test-mitigations-none"), { timeoutSeconds: TIMEOUT_SECONDS });
    expect(line(plain)).toBe("mitigations: none; not safe from branch target injection (no IBRS), L1TF (no L1D_FLUSH), MDS (no MD_CLEAR), iTLB multihit (no PSCHANGE_MC_NO): newer microcode may help");

    const guarded = await bootSystem(benchSystem("test-mitigations-all"), { timeoutSeconds: TIMEOUT_SECONDS, cpuModel: ICE_LAKE, commandLine: "mitigations=all" });
    expect(line(guarded)).toMatch(/^mitigations: IBRS, enhanced IBRS, IBPB, RSB stuffing, RSB barrier, VERW, L1D flush; not safe from branch history injection/);
    for (const exit of ["cpuid", "vmcall", "rdmsr"]) {
      const added = exitCost(guarded, exit) - exitCost(plain, exit);
      expect(added, exit).toBeGreaterThanOrEqual(LEAST_COST);
      expect(added, exit).toBeLessThanOrEqual(MOST_COST);
    }
    expect(guarded.summary("bench")).toContain("powered off, restarts 0");
  });

  test("of a processor with enhanced IBRS run no more than it needs", async () => {
    const output = await bootSystem(benchSystem("test-mitigations-enhanced"), { timeoutSeconds: TIMEOUT_SECONDS, cpuModel: ICE_LAKE });
    expect(line(output)).toMatch(/^mitigations: enhanced IBRS, IBPB, RSB barrier; not safe from branch history injection \(no BHI_CTRL\), MDS \(no MD_CLEAR\)/);
    expect(output.summary("bench")).toContain("powered off, restarts 0");
  });
});

describe("two threads of one core", () => {
  const partition = (name: string, core: number): SystemDescription["partitions"][number] => ({ name, core, memory: "16 MiB", image: typescript("bench") });
  const threads = { cores: 2, threadsPerCore: 2, timeoutSeconds: TIMEOUT_SECONDS };

  test("never run two partitions", async () => {
    const description = system({ name: "test-siblings-refused", partitions: [partition("control", 0), partition("office", 1)] });
    const output = await bootSystem(description, { ...threads, until: /fatal 8 on core 0/ });
    expect(output.kernel).toContain(
      "refused: partitions control and office on two threads of one core (APIC IDs 0 and 1): give one another core, or switch hyper-threading off in the firmware",
    );
    expect(output.kernel.filter((text) => / starts on core /.test(text))).toEqual([]);
  });

  test("run one, with the other thread parked", async () => {
    const output = await bootSystem(system({ name: "test-siblings-parked", partitions: [partition("control", 0)] }), threads);
    expect(output.kernel).toContain("core 1 runs no partition");
    expect(output.summary("control")).toContain("powered off, restarts 0");
  });
});
