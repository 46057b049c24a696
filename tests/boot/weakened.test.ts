// The attacks of attacks.test.ts against kernels whose protections are off: each succeeds, so that the tests there would
// see a protection that fails.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { readElf } from "../../scripts/emulator/elf.ts";
import { buildWeakenedKernel, weaken } from "../weakened/weaken.ts";
import {
  fatalTripleFault, guestTakesInterrupts, noExceptionExits, noHousekeeping, openMemory, openMsrs, openPorts, skippedVmxInstructions, strayMonitor, unsealedPartitions,
} from "../weakened/weaknesses.ts";
import { MARKER, MARKER_ADDRESS, NEIGHBOUR_DONE, attackSystem } from "./helpers/attack-system.ts";
import { ENDLESS_DELIVERIES, endlessDelivery } from "./helpers/endless-delivery.ts";
import { bootSystem, type SystemOptions, type SystemOutput } from "./helpers/system.ts";

const BUILD_TIMEOUT_MS = 400_000;
const TIMEOUT_SECONDS = 40;
/** Fixed.Plan of kernel/memory/layout.ts. */
const FIXED_PLAN = 0x540;
const PAGE = 0x1000;
/** For a machine that does not end by itself: the neighbour, were it alive, would be done in a tenth of this. */
const STANDSTILL_SECONDS = 8;

/** Physical address of the first page behind the kernel's image. */
function imageEnd(kernel: string): number {
  const end = Math.max(...readElf(kernel).segments.map(({ physicalAddress, memorySize }) => physicalAddress + memorySize));
  return Math.ceil(end / PAGE) * PAGE;
}

function boot(kernel: string, name: string, attacks: readonly string[], options: Partial<SystemOptions> = {}): Promise<SystemOutput> {
  return bootSystem(attackSystem(name, attacks), { timeoutSeconds: TIMEOUT_SECONDS, kernel, ...options });
}

describe("without bitmaps, and with handlers that let things pass", () => {
  let kernel = "";
  beforeAll(async () => {
    kernel = await buildWeakenedKernel("doors", [openPorts, openMsrs, skippedVmxInstructions, fatalTripleFault, noExceptionExits]);
  }, BUILD_TIMEOUT_MS);

  /** All that was printed ends where the attack was made. */
  function expectMachineEnded(output: SystemOutput): void {
    expect(output.result.reason).toBe("ended");
    expect(output.kernel.at(-1)).toMatch(/^partition \w+ starts on core/);
    expect(output.of("attacker")).toEqual([]);
    expect(output.of("neighbour")).not.toContain(NEIGHBOUR_DONE);
  }

  test("writing \"Shutdown\" to port 0x8900 ends the machine", async () => {
    expectMachineEnded(await boot(kernel, "test-weakened-shutdown", ["shutdown"]));
  });

  test.each([["0xcf9", "0x6"], ["0x92", "0x1"], ["0x64", "0xfe"]])("writing to port %s resets the machine", async (port, value) => {
    expectMachineEnded(await boot(kernel, `test-weakened-reset-${port}`, [`out:${port}:${value}`, "delay:10"]));
  });

  test("writing to port 0x3f8 reaches the machine's UART", async () => {
    const output = await boot(kernel, "test-weakened-uart", ["out:0x3f8:0x58"]);
    expect(output.result.serial).toContain("X");
  });

  test("denied MSRs are read and written", async () => {
    const output = await boot(kernel, "test-weakened-msr", ["rdmsr:0x480", "rdmsr:0x3a", "wrmsr:0x2ff:0x0", "rdmsr:0x2ff"]);
    expect(output.of("attacker")).toEqual([
      "attack rdmsr:0x480: read d810000000002b",
      "attack rdmsr:0x3a: read 5",
      "attack wrmsr:0x2ff:0x0: completed",
      "attack rdmsr:0x2ff: read 0",
      "attack: over",
    ]);
    expect(output.audits("attacker", 0)).toEqual([]);
  });

  test("VMXON passes", async () => {
    const output = await boot(kernel, "test-weakened-vmxon", ["vmxon"]);
    expect(output.of("attacker")).toContain("attack vmxon: CR4.VMXE faulted #GP, VMXON completed");
  });

  test("a triple fault takes the neighbour's console with it", async () => {
    const output = await boot(kernel, "test-weakened-triple-fault", ["triple-fault"], { timeoutSeconds: STANDSTILL_SECONDS });
    expect(output.kernel.join("\n")).toContain("fatal 21 on core 0"); // so it was the attack that silenced the console
    expect(output.result.reason).toBe("timeout");
    expect(output.of("neighbour")).not.toContain(NEIGHBOUR_DONE);
  });

  test.each(ENDLESS_DELIVERIES)("an exception that its own delivery raises again keeps core 0 for good: %s", async (source) => {
    const system = await endlessDelivery(`test-weakened-endless-${source}`, source);
    const output = await bootSystem(system, { timeoutSeconds: STANDSTILL_SECONDS, kernel });
    expect(output.kernel.join("\n")).toContain("partition attacker starts on core 0");
    // Where silicon goes round Bochs does so too, or runs out of stack and takes with it what the attacker said on COM1.
    if (source === "debug") expect(output.result.serial).toContain("begins");
    expect(output.result.reason).toBe(source === "debug" ? "timeout" : "ended");
    expect(output.of("neighbour")).not.toContain(NEIGHBOUR_DONE);
  });
});

test("an EPT that maps all memory does not pass the seal", async () => {
  const kernel = await buildWeakenedKernel("memory", [openMemory]);
  const output = await boot(kernel, "test-weakened-seal", [], { until: /guest-physical address/ });
  expect(output.kernel).toContain("fatal 12 on core 0: an EPT does not match the policy");
  expect(output.kernel.join("\n")).not.toContain("starts on core");
}, BUILD_TIMEOUT_MS);

describe("with an EPT that maps all memory, without its seal, and with a monitor that strays", () => {
  let kernel = "";
  let target = 0;
  beforeAll(async () => {
    kernel = await buildWeakenedKernel("unsealed", [openMemory, unsealedPartitions, strayMonitor]);
    target = (await boot(kernel, "test-weakened-layout", [])).memoryBase("neighbour") + MARKER_ADDRESS;
  }, BUILD_TIMEOUT_MS);

  test("the attacker reads, overwrites and executes the neighbour's memory", async () => {
    const attacks = [`read:${target}`, `execute:${target + 4}`, `write:${target}`];
    const output = await boot(kernel, "test-weakened-memory", ["delay:100", ...attacks]);
    expect(output.of("attacker")).toEqual([
      "attack delay:100: over",
      `attack read:${target}: read ${MARKER}`,
      `attack execute:${target + 4}: completed`,
      `attack write:${target}: completed, then read 4b4c5542`,
      "attack: over",
    ]);
    expect(output.of("neighbour")).toContain("witness: tick 3, marker is now 4b4c5542");
    expect(output.audits("attacker", 0)).toEqual([]);
  });

  test("the attacker reads and overwrites the memory of the kernel on the other core", async () => {
    // In the first hole that is large enough, behind the image: the instance page of the kernel on core 1, then its linear memory with the plan's address.
    const plan = (imageEnd(kernel) + PAGE + FIXED_PLAN).toString();
    const output = await boot(kernel, "test-weakened-kernel", [`read:${plan}`, `write:${plan}`]);
    expect(output.of("attacker")).toEqual([
      expect.stringMatching(new RegExp(`^attack read:${plan}: read [1-9a-f][0-9a-f]*000$`)),
      `attack write:${plan}: completed, then read 4b4c5542`,
      "attack: over",
    ]);
    expect(output.audits("attacker", 0)).toEqual([]);
  });

  test("the attacker reads the policy", async () => {
    const output = await boot(kernel, "test-weakened-policy", ["read:0x1000000"]);
    expect(output.of("attacker")).toContain(`attack read:0x1000000: read ${Buffer.from("BLKD").readUInt32LE().toString(16)}`);
  });

  test("a monitor that stores outside its memory hits the guard and stops its own partition alone", async () => {
    const output = await boot(kernel, "test-weakened-monitor", ["out:0x99:0x1"]);
    expect(output.kernel).toContainEqual(expect.stringMatching(/^monitor fault at 0xffffffff8\w{7}$/));
    expect(output.kernel).toContain("partition attacker stopped: its monitor faulted");
    expect(output.of("attacker")).toEqual([]);
    expect(output.of("neighbour")).toContain(NEIGHBOUR_DONE);
    expect(output.summary("neighbour")).toContain("powered off");
  });
});

test("where nothing takes core 0 from the guest, a loop with interrupts off keeps the core that prints for all from doing so", async () => {
  const kernel = await buildWeakenedKernel("core", [guestTakesInterrupts, noHousekeeping]);
  const output = await boot(kernel, "test-weakened-spin", ["shadow-spin"], { timeoutSeconds: STANDSTILL_SECONDS });
  expect(output.kernel.join("\n")).toContain("partition attacker starts on core 0");
  expect(output.result.reason).toBe("timeout");
  expect(output.of("neighbour")).not.toContain(NEIGHBOUR_DONE);
}, BUILD_TIMEOUT_MS);

test("a weakness whose text is not there, or there twice, fails loudly", () => {
  const folder = mkdtempSync(path.join(tmpdir(), "bulkhead-weaken-"));
  try {
    mkdirSync(path.join(folder, "kernel"));
    writeFileSync(path.join(folder, "kernel/a.ts"), "deny();\ndeny();\n");
    expect(() => weaken(folder, { file: "kernel/a.ts", text: "allow();", replacement: "" })).toThrow(/0 times, not once/);
    expect(() => weaken(folder, { file: "kernel/a.ts", text: "deny();", replacement: "" })).toThrow(/2 times, not once/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
