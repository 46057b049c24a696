// With the machine's own interrupt command register in its hands a guest reaches its neighbour's core: what tests/boot/smp.test.ts shows to be
// contained is a real attack. One write of IA32_X2APIC_ICR, to all but the sender.

import { beforeAll, expect, test } from "vitest";
import { buildWeakenedKernel } from "../weakened/weaken.ts";
import { openInterruptCommand } from "../weakened/weaknesses.ts";
import { attackSystem, NEIGHBOUR_DONE } from "./helpers/attack-system.ts";
import { bootSystem, type SystemOutput } from "./helpers/system.ts";

const BUILD_TIMEOUT_MS = 400_000;
const TIMEOUT_SECONDS = 40;
/** For a neighbour that falls silent; alive it would be done in a tenth of this. */
const STANDSTILL_SECONDS = 15;
const INIT = "0xc4500";
const NMI = "0xc4400";
const SMI = "0xc4200";

let kernel = "";
beforeAll(async () => {
  kernel = await buildWeakenedKernel("interrupt-command", [openInterruptCommand]);
}, BUILD_TIMEOUT_MS);

async function attack(name: string, command: string, timeoutSeconds = TIMEOUT_SECONDS): Promise<SystemOutput> {
  const system = attackSystem(`test-weakened-ipi-${name}`, ["delay:100", `wrmsr:0x830:${command}`, "delay:300"]);
  const output = await bootSystem(system, { timeoutSeconds, kernel });
  expect(output.of("attacker")).toContain(`attack wrmsr:0x830:${command}: completed`);
  return output;
}

test("an INIT silences the neighbour for good", async () => {
  const output = await attack("init", INIT, STANDSTILL_SECONDS);
  expect(output.result.reason).toBe("timeout");
  expect(output.of("neighbour")).not.toContain(NEIGHBOUR_DONE);
});

test("an NMI interrupts the neighbour, which the kernel on its core outlives", async () => {
  const output = await attack("nmi", NMI);
  expect(output.kernel).toContain("summary: neighbour: exits exception or NMI 1");
});

test("an SMI ends the machine: no handler of firmware waits for it on the neighbour's core", async () => {
  const output = await attack("smi", SMI);
  expect(output.result.reason).toBe("ended");
  expect(output.kernel.at(-1)).toMatch(/^partition \w+ starts on core/);
  expect(output.of("neighbour")).not.toContain(NEIGHBOUR_DONE);
});
