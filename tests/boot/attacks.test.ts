// A partition tries what it must not do, in Bochs: the attempt has no effect outside it, its neighbour goes on, and one
// audit line names partition, core, RIP and what was tried. tests/boot/weakened.test.ts shows that each of these attacks
// succeeds once the protection against it is off.

import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import { kernelElf } from "../../scripts/build/paths.ts";
import { ATTACKER_CORE, MARKER_ADDRESS, attackSystem, untouched } from "./helpers/attack-system.ts";
import { bootSystem, type Audit, type SystemOutput } from "./helpers/system.ts";

const TIMEOUT_SECONDS = 40;
/** The attacker's code, from 1 MiB; it is smaller than this. */
const ATTACKER_CODE = { first: 0x100000, end: 0x110000 };

function boot(name: string, attacks: readonly string[], options: Parameters<typeof attackSystem>[2] = {}): Promise<SystemOutput> {
  return bootSystem(attackSystem(name, attacks, options), { timeoutSeconds: TIMEOUT_SECONDS });
}

/** What the attacker said of one of its attacks. */
function answer(output: SystemOutput, attack: string): string {
  const prefix = `attack ${attack}: `;
  return output.of("attacker").find((line) => line.startsWith(prefix))?.slice(prefix.length) ?? "no answer";
}

/** The one audit line that says `what`. */
function auditOf(output: SystemOutput, what: string): Audit {
  const found = output.audits("attacker", ATTACKER_CORE).filter((audit) => audit.what === what);
  expect(found, `audit lines "${what}" in\n${output.kernel.join("\n")}`).toHaveLength(1);
  return found[0] as Audit;
}

function expectFromAttackersCode({ rip }: Audit): void {
  expect(rip).toBeGreaterThanOrEqual(ATTACKER_CODE.first);
  expect(rip).toBeLessThan(ATTACKER_CODE.end);
}

function expectNeighbourUntouched(output: SystemOutput): void {
  expect(output.result.reason).toBe("ended");
  expect(output.of("neighbour")).toEqual(untouched());
  expect(output.summary("neighbour")).toBe("summary: neighbour: core 1, 4 MiB, powered off, restarts 0, violations 0");
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}

function guestPhysical(address: number): string {
  return `guest-physical 0x${address.toString(16).padStart(12, "0")}, which is not its memory`;
}

describe("memory outside the partition", () => {
  let neighbour = 0;
  let output: SystemOutput;
  // Numerically equal to host-physical addresses: policy.bin, and the linear memory of the kernel on core 1, which
  // follows the partitions' memory.
  const POLICY = 0x1000000;
  const kernelFrames = (): number => neighbour + 0x400000;
  const NOWHERE = 0x3f000000;
  const ABOVE_4_GIB = 0x140000000;
  const KERNEL_IMAGE = 0x201000;

  beforeAll(async () => {
    neighbour = (await boot("test-attack-layout", [])).memoryBase("neighbour");
    const targets = [neighbour + MARKER_ADDRESS, POLICY, kernelFrames(), NOWHERE, ABOVE_4_GIB];
    const attacks = targets.flatMap((address) => [`read:${hex(address)}`, `write:${hex(address)}`, `execute:${hex(address)}`]);
    output = await boot("test-attack-memory", ["delay:100", ...attacks, `read:${hex(KERNEL_IMAGE)}`]);
  });

  const places: [string, () => number][] = [
    ["at the neighbour's addresses", () => neighbour + MARKER_ADDRESS],
    ["at the policy's addresses", () => POLICY],
    ["at the kernel's addresses", kernelFrames],
    ["where the machine has nothing", () => NOWHERE],
    ["above 4 GiB", () => ABOVE_4_GIB],
  ];

  test.each(places)("reads all ones %s", (_, address) => {
    expect(answer(output, `read:${hex(address())}`)).toBe("read ffffffff");
    expectFromAttackersCode(auditOf(output, `read ${guestPhysical(address())}`));
  });

  test.each(places)("loses what is written %s", (_, address) => {
    expect(answer(output, `write:${hex(address())}`)).toBe("completed, then read ffffffff");
    expectFromAttackersCode(auditOf(output, `wrote ${guestPhysical(address())}`));
  });

  test.each(places)("does not execute %s", (_, address) => {
    expect(answer(output, `execute:${hex(address())}`)).toBe("faulted #GP");
    expect(auditOf(output, `executed at ${guestPhysical(address())}`).rip).toBe(address());
  });

  test("finds its own memory where the machine has the kernel's code", () => {
    const code = readFileSync(kernelElf).readUInt32LE(0x2000).toString(16);
    expect(answer(output, `read:${hex(KERNEL_IMAGE)}`)).toMatch(/^read [0-9a-f]+$/);
    expect(answer(output, `read:${hex(KERNEL_IMAGE)}`)).not.toBe(`read ${code}`);
  });

  test("leaves the neighbour alone", () => {
    expect(output.memoryBase("neighbour")).toBe(neighbour);
    expectNeighbourUntouched(output);
  });
});

describe("model-specific registers", () => {
  let output: SystemOutput;
  const MOVE_APIC = "wrmsr:0x1b:0x200900";
  const reads: [string, string][] = [
    ["IA32_VMX_BASIC", "0x480"],
    ["IA32_VMX_EPT_VPID_CAP", "0x48c"],
    ["IA32_SMM_MONITOR_CTL", "0x9b"],
    ["IA32_SMBASE", "0x9e"],
    ["IA32_SMRR_PHYSBASE", "0x1f2"],
    ["MSR_RAPL_POWER_UNIT", "0x606"],
    ["beyond both ranges of the bitmap", "0x40000000"],
  ];
  const writes: [string, string, string][] = [
    ["IA32_FEATURE_CONTROL", "0x3a", "0x5"],
    ["IA32_BIOS_UPDT_TRIG", "0x79", "0x0"],
    ["IA32_VMX_BASIC", "0x480", "0x0"],
    ["IA32_SMRR_PHYSBASE", "0x1f2", "0x0"],
    ["IA32_PERF_CTL", "0x199", "0x0"],
  ];

  beforeAll(async () => {
    const attacks = [...reads.map(([, index]) => `rdmsr:${index}`), ...writes.map(([, index, value]) => `wrmsr:${index}:${value}`)];
    output = await boot("test-attack-msr", [...attacks, "rdmsr:0x3a", MOVE_APIC, "rdmsr:0x1b"]);
  });

  test.each(reads)("cannot be read: %s", (_, index) => {
    expect(answer(output, `rdmsr:${index}`)).toBe("faulted #GP");
    expectFromAttackersCode(auditOf(output, `read MSR 0x${Number(index).toString(16).padStart(8, "0")}`));
  });

  test.each(writes)("cannot be written: %s", (_, index, value) => {
    expect(answer(output, `wrmsr:${index}:${value}`)).toBe("faulted #GP");
    expectFromAttackersCode(auditOf(output, `wrote MSR 0x${Number(index).toString(16).padStart(8, "0")}`));
  });

  test("are the virtual processor's: FEATURE_CONTROL is locked without VMX, the local APIC stays where it was", () => {
    expect(answer(output, "rdmsr:0x3a")).toBe("read 1");
    expect(answer(output, MOVE_APIC)).toBe("faulted #GP");
    expect(answer(output, "rdmsr:0x1b")).toBe("read fee00900");
  });

  test("leave the neighbour alone", () => {
    expectNeighbourUntouched(output);
  });
});

describe("ports", () => {
  let output: SystemOutput;
  const writes: [string, string, string][] = [
    ["Bochs' reset control", "0xcf9", "0x6"],
    ["fast reset", "0x92", "0x1"],
    ["the keyboard controller's reset line", "0x64", "0xfe"],
    ["the machine's UART", "0x3f8", "0x58"],
    ["QEMU's debug exit", "0xf4", "0x10"],
    ["CMOS", "0x70", "0x8f"],
    ["the PIC", "0x21", "0xff"],
    ["the PIT", "0x43", "0x30"],
    ["the debug console", "0xe9", "0x58"],
    ["PM1a control of the machine", "0xb004", "0x20"],
  ];

  beforeAll(async () => {
    const attacks = writes.map(([, port, value]) => `out:${port}:${value}`);
    output = await boot("test-attack-port", ["shutdown", ...attacks, "in:0x3fd"]);
  });

  test.each(writes)("are out of reach: %s", (_, port, value) => {
    expect(answer(output, `out:${port}:${value}`)).toBe("completed");
    expectFromAttackersCode(auditOf(output, `wrote 1 byte at port 0x${Number(port).toString(16).padStart(4, "0")}`));
  });

  test("do not end the emulator", () => {
    expect(answer(output, "shutdown")).toBe("completed");
    expectFromAttackersCode(auditOf(output, "wrote 1 byte at port 0x8900"));
  });

  test("read all ones", () => {
    expect(answer(output, "in:0x3fd")).toBe("read ff");
    expectFromAttackersCode(auditOf(output, "read 1 byte at port 0x03fd"));
  });

  test("leave the machine's UART and the neighbour alone", () => {
    expect(output.result.serial).not.toContain("X");
    expectNeighbourUntouched(output);
  });
});

test("VMXON is not there", async () => {
  const output = await boot("test-attack-vmxon", ["vmxon"]);
  expect(answer(output, "vmxon")).toBe("CR4.VMXE faulted #GP, VMXON faulted #UD");
  expectFromAttackersCode(auditOf(output, "executed VMXON"));
  expectNeighbourUntouched(output);
});

test("a triple fault ends its partition only", async () => {
  const output = await boot("test-attack-triple-fault", ["triple-fault"]);
  expectFromAttackersCode(auditOf(output, "triple fault"));
  expect(output.summary("attacker")).toBe("summary: attacker: core 0, 4 MiB, triple fault, restarts 0, violations 1");
  expectNeighbourUntouched(output);
});

test.each([0, 1])("a loop with interrupts off on core %i keeps its own core only", async (core) => {
  const description = attackSystem(`test-attack-spin-${core}`, ["spin"], { attacker: { core } });
  const output = await bootSystem(description, { timeoutSeconds: TIMEOUT_SECONDS, until: /partition neighbour stopped/ });
  expectLoopAlone(output);
});

// Core 0 sees to the consoles both by the machine's interrupts, which exit here, and on its own, as in the loop above: Bochs
// forgets external-interrupt exiting when a guest is entered with interrupts off, until the guest changes IF.
test("a loop that keeps interrupts off does not keep the core that prints for all from doing so", async () => {
  const description = attackSystem("test-attack-shadow-spin", ["shadow-spin"]);
  const output = await bootSystem(description, { timeoutSeconds: TIMEOUT_SECONDS, until: /partition neighbour stopped/ });
  expectLoopAlone(output);
});

function expectLoopAlone(output: SystemOutput): void {
  expect(output.result.reason).toBe("stopped");
  expect(output.of("attacker")).toHaveLength(1);
  expect(output.of("neighbour")).toEqual(untouched());
  expect(output.kernel).toContain("partition neighbour stopped: powered off");
  expect(output.audits("attacker", 0)).toEqual([]);
}
