// What each recorded processor needs against speculation, what the boot log says of it, and what the kernel writes.

import { beforeAll, describe, expect, test } from "vitest";
import { Stopped } from "../machine/machine.ts";
import { enumReader } from "../machine/source-enums.ts";
import { msrIndex, readProfile, type Profile } from "./capabilities.ts";
import { compileKernel, KernelMachine, type KernelModules } from "./kernel-machine.ts";

const fixed = enumReader("kernel/memory/layout.ts", "Fixed");
const mitigation = enumReader("kernel/cpu/mitigation-decision.ts", "Mitigation");
/** Those of boot/vm-exit-guarded.S. */
const SEQUENCES = ["Ibrs", "RsbStuffing", "RsbBarrier", "Verw", "L1dFlush"].reduce((sum, name) => sum | mitigation(name), 0);

const nextEntry = enumReader("kernel/partition/entry.ts", "NextEntry");

const IBRS_IBPB = 1 << 26;
const STIBP = 1 << 27;
const L1D_FLUSH = 1 << 28;
const ARCH_CAPABILITIES = 1 << 29;
const MD_CLEAR = 1 << 10;
const BARE = "not safe from branch target injection (no IBRS), L1TF (no L1D_FLUSH), MDS (no MD_CLEAR), iTLB multihit (no PSCHANGE_MC_NO): newer microcode may help";
const MULTIHIT = "not safe from iTLB multihit (no PSCHANGE_MC_NO): newer microcode may help";

let module: KernelModules;
beforeAll(async () => {
  module = await compileKernel();
}, 240_000);

function started(profile: Profile, commandLine?: string): KernelMachine {
  const machine = new KernelMachine(module, { profile, commandLine });
  expect(machine.boot(), machine.debugConsole.output).toBe("enterGuest");
  return machine;
}

function report(machine: KernelMachine): string {
  const lines = machine.lines.flatMap((line) => /mitigations: (.*)$/.exec(line)?.[1] ?? []);
  expect(lines).toHaveLength(1);
  return lines[0]!;
}

function word(machine: KernelMachine, name: string): number {
  return machine.view.getUint32(fixed(name), true);
}

function writes(machine: KernelMachine, msr: string): bigint[] {
  return machine.processor.msrWrites.filter(({ index }) => index === msrIndex(msr)).map(({ value }) => value);
}

/** Skylake-X with other CPUID.7:EDX and IA32_ARCH_CAPABILITIES; without RTM unless asked for. */
function processor(controls: number, capabilities = 0n, { rtm = false, finer = 0, subleaves = 2 } = {}): Profile {
  const profile = readProfile("skylake-x");
  const [, ebx = 0, ecx = 0] = profile.cpuid.get("0x7")!;
  profile.cpuid.set("0x7", [subleaves, rtm ? ebx : ebx & ~(1 << 11), ecx, controls]);
  profile.cpuid.set("0x7.2", [0, 0, 0, finer]);
  if (capabilities !== 0n) profile.msrs.set("IA32_ARCH_CAPABILITIES", capabilities);
  return profile;
}

const bits = (...numbers: number[]): bigint => numbers.reduce((sum, bit) => sum | (1n << BigInt(bit)), 0n);

describe("the boot log's line", () => {
  test.each([
    ["bochs-skylake-x", `none; ${BARE}`],
    ["ivy-bridge", `none; ${BARE}`],
    ["haswell", `none; ${BARE}`],
    ["broadwell", `none; ${BARE}`],
    ["skylake", `none; ${BARE}`],
    ["skylake-x", `none; ${BARE}`],
    ["skylake-x-microcode", `IBRS, STIBP, IBPB, RSB stuffing, L1D flush; ${MULTIHIT}`],
    ["coffee-lake-refresh", "enhanced IBRS, STIBP, IBPB, RSB barrier, VERW; not safe from branch history injection (no BHI_CTRL), iTLB multihit (no PSCHANGE_MC_NO): newer microcode may help"],
    ["sapphire-rapids", "enhanced IBRS, STIBP, IBPB, RSB barrier, BHI_DIS_S, RRSBA_DIS_S, VERW"],
    ["kvm-nested-skylake", "IBRS, STIBP, IBPB, RSB stuffing, VERW"],
    ["kvm-nested-cascade-lake", "enhanced IBRS, STIBP, IBPB, RSB barrier, VERW; not safe from branch history injection (no BHI_CTRL): newer microcode may help"],
    ["kvm-nested-sapphire-rapids", "enhanced IBRS, STIBP, IBPB, RSB barrier, BHI_DIS_S, RRSBA_DIS_S, VERW"],
  ])("%s: %s", (name, expected) => {
    expect(report(started(readProfile(name)))).toBe(expected);
  });
});

describe("IA32_ARCH_CAPABILITIES and CPUID.7:EDX decide", () => {
  const ALL_NO = bits(0, 1, 3, 5, 6, 8, 13, 14, 15, 20, 24, 27);
  const FULL = IBRS_IBPB | L1D_FLUSH | ARCH_CAPABILITIES | MD_CLEAR;

  test.each<[string, number, bigint, { rtm?: boolean; finer?: number; subleaves?: number }, string]>([
    ["a processor that is safe from all", IBRS_IBPB | ARCH_CAPABILITIES, ALL_NO, {}, "enhanced IBRS, IBPB"],
    ["RDCL_NO clear: L1D flush", FULL, ALL_NO & ~bits(0, 3), {}, "enhanced IBRS, IBPB, L1D flush"],
    ["RDCL_NO clear, but the VMM below flushes", FULL, ALL_NO & ~bits(0), {}, "enhanced IBRS, IBPB"],
    ["RDCL_NO clear and no L1D_FLUSH", IBRS_IBPB | ARCH_CAPABILITIES, ALL_NO & ~bits(0, 3), {}, "enhanced IBRS, IBPB; not safe from L1TF (no L1D_FLUSH): newer microcode may help"],
    ["MDS_NO clear: VERW", FULL, ALL_NO & ~bits(5), {}, "enhanced IBRS, IBPB, VERW"],
    ["MDS_NO and RDCL_NO clear: the L1D flush overwrites the buffers too", FULL, ALL_NO & ~bits(0, 3, 5), {}, "enhanced IBRS, IBPB, L1D flush"],
    ["MDS_NO clear and no MD_CLEAR", IBRS_IBPB | ARCH_CAPABILITIES, ALL_NO & ~bits(5), {}, "enhanced IBRS, IBPB; not safe from MDS (no MD_CLEAR): newer microcode may help"],
    ["TAA_NO clear and RTM: VERW", FULL, ALL_NO & ~bits(8), { rtm: true }, "enhanced IBRS, IBPB, VERW"],
    ["TAA_NO clear without RTM", FULL, ALL_NO & ~bits(8), {}, "enhanced IBRS, IBPB"],
    ["TAA_NO clear, RTM and no MD_CLEAR", IBRS_IBPB | ARCH_CAPABILITIES, ALL_NO & ~bits(8), { rtm: true }, "enhanced IBRS, IBPB; not safe from TAA (no MD_CLEAR): newer microcode may help"],
    ["FB_CLEAR: VERW", FULL, (ALL_NO & ~bits(14)) | bits(17), {}, "enhanced IBRS, IBPB, VERW"],
    ["FB_CLEAR on a processor without stale data", FULL, ALL_NO | bits(17), {}, "enhanced IBRS, IBPB"],
    ["FB_CLEAR and RDCL_NO clear: without MD_CLEAR the L1D flush leaves the buffers", IBRS_IBPB | L1D_FLUSH | ARCH_CAPABILITIES, (ALL_NO & ~bits(0, 3, 14)) | bits(17), {}, "enhanced IBRS, IBPB, VERW, L1D flush"],
    ["RFDS_CLEAR: VERW", FULL, (ALL_NO & ~bits(27)) | bits(28), {}, "enhanced IBRS, IBPB, VERW"],
    ["RFDS_CLEAR and RFDS_NO", FULL, ALL_NO | bits(28), {}, "enhanced IBRS, IBPB"],
    ["PBRSB_NO clear: RSB barrier", FULL, ALL_NO & ~bits(24), {}, "enhanced IBRS, IBPB, RSB barrier"],
    ["BHI_NO clear, BHI_CTRL: BHI_DIS_S", FULL, ALL_NO & ~bits(20), { finer: 1 << 4 }, "enhanced IBRS, IBPB, BHI_DIS_S"],
    ["BHI_CTRL in a subleaf that CPUID.7.0:EAX does not count", FULL, ALL_NO & ~bits(20), { finer: 1 << 4, subleaves: 1 }, "enhanced IBRS, IBPB; not safe from branch history injection (no BHI_CTRL): newer microcode may help"],
    ["BHI_NO and BHI_CTRL", FULL, ALL_NO, { finer: 1 << 4 }, "enhanced IBRS, IBPB"],
    ["RRSBA clear and RRSBA_CTRL", FULL, ALL_NO, { finer: 1 << 2 }, "enhanced IBRS, IBPB"],
    ["STIBP on a processor whose cores have one thread", FULL | STIBP, ALL_NO, {}, "enhanced IBRS, IBPB"],
    ["RRSBA and RRSBA_CTRL: RRSBA_DIS_S", FULL, ALL_NO | bits(19), { finer: 1 << 2 }, "enhanced IBRS, IBPB, RRSBA_DIS_S"],
    ["IBRS_ALL clear: IBRS at each exit", FULL, ALL_NO & ~bits(1, 20), {}, "IBRS, IBPB, RSB stuffing"],
    ["the MSR without its CPUID bit does not count", IBRS_IBPB | L1D_FLUSH | MD_CLEAR, ALL_NO, {}, `IBRS, IBPB, RSB stuffing, L1D flush; ${MULTIHIT}`],
    ["PSCHANGE_MC_NO clear", FULL, ALL_NO & ~bits(6), {}, `enhanced IBRS, IBPB; ${MULTIHIT}`],
    ["no IBRS", ARCH_CAPABILITIES, ALL_NO, {}, "none; not safe from branch target injection (no IBRS): newer microcode may help"],
  ])("%s", (_, controls, capabilities, more, expected) => {
    const profile = processor(controls, capabilities, more);
    profile.cpuid.set("0xb", [0, 1, 0x100, 0]);
    expect(report(started(profile))).toBe(expected);
  });
});

describe("what is carried out", () => {
  test("a processor that needs or has nothing: no MSR is touched, no sequence asked for", () => {
    const machine = started(readProfile());
    expect([word(machine, "Mitigations"), word(machine, "SpecCtrl")]).toEqual([0, 0]);
    for (const msr of ["IA32_SPEC_CTRL", "IA32_PRED_CMD", "IA32_FLUSH_CMD"]) expect(writes(machine, msr)).toEqual([]);
  });

  test("enhanced IBRS is written once and stays, with BHI_DIS_S, RRSBA_DIS_S and STIBP", () => {
    const machine = started(readProfile("sapphire-rapids"));
    expect(writes(machine, "IA32_SPEC_CTRL")).toEqual([0x443n]);
    expect(word(machine, "Mitigations") & SEQUENCES).toBe(mitigation("RsbBarrier") | mitigation("Verw"));
  });

  test("IBRS is asked of the exit path where it is not enhanced", () => {
    const machine = started(readProfile("skylake-x-microcode"));
    expect(word(machine, "Mitigations") & SEQUENCES).toBe(mitigation("Ibrs") | mitigation("RsbStuffing") | mitigation("L1dFlush"));
    expect(word(machine, "SpecCtrl")).toBe(3);
  });

  test("IBPB before each start of the partition", () => {
    const machine = started(readProfile("skylake-x-microcode"));
    expect(writes(machine, "IA32_PRED_CMD")).toEqual([1n]);
  });

  test("entries go past the sequences where the processor needs some there, and only there", () => {
    expect(started(readProfile()).exit("CPUID")).toBe(nextEntry("Resume"));
    expect(started(processor(IBRS_IBPB | ARCH_CAPABILITIES, bits(0, 1, 3, 5, 6, 8, 13, 14, 15, 20, 27))).exit("CPUID"), "RSB barrier alone").toBe(nextEntry("Resume"));
    for (const name of ["skylake-x-microcode", "coffee-lake-refresh", "kvm-nested-skylake"]) expect(started(readProfile(name)).exit("CPUID"), name).toBe(nextEntry("GuardedResume"));
  });

  test("a partition that restarts there is launched, behind an IBPB, and guarded again", () => {
    const machine = new KernelMachine(module, { profile: readProfile("skylake-x-microcode"), partitions: [{ health: { fault: "restart", restartLimit: 1 } }] });
    expect(machine.boot()).toBe("enterGuest");
    expect(machine.exit("TRIPLE_FAULT")).toBe(nextEntry("Launch"));
    expect(writes(machine, "IA32_PRED_CMD")).toEqual([1n, 1n]);
    expect(machine.exit("CPUID")).toBe(nextEntry("GuardedResume"));
    expect(machine.run(() => void machine.exit("TRIPLE_FAULT")), "the second restart is one too many").not.toBe("");
    expect(machine.lines.join("\n")).toContain("stopped: restarted too often");
  });

  test("mitigations=all asks for every sequence that the processor has", () => {
    const machine = started(processor(IBRS_IBPB | L1D_FLUSH | ARCH_CAPABILITIES, bits(0, 1, 3, 5, 6, 8, 13, 14, 15, 20, 24, 27)), "mitigations=all");
    expect(report(machine)).toBe("IBRS, enhanced IBRS, IBPB, RSB stuffing, VERW, L1D flush");
    expect(word(machine, "Mitigations") & SEQUENCES).toBe(mitigation("Ibrs") | mitigation("RsbStuffing") | mitigation("Verw") | mitigation("L1dFlush"));
  });

  test.each([["", 0], ["mitigations=all", mitigation("Verw")]])("every other core decides for itself and obeys the command line: %j", (commandLine, sequences) => {
    const profile = processor(IBRS_IBPB | ARCH_CAPABILITIES, bits(0, 1, 3, 5, 6, 8, 13, 14, 15, 20, 24, 27));
    const options = { profile, commandLine, cores: 2, partitions: [{ core: 0 }] };
    profile.cpuid.set("0xb", [0, 1, 0x100, 0]);
    const first = new KernelMachine(module, options);
    expect(first.boot(), first.debugConsole.output).toBe("enterGuest");
    const second = new KernelMachine(module, options, { coreId: 1, apicId: 1, memory: first.memory, clock: first.clock });
    second.view.setBigUint64(fixed("Plan"), first.plan, true);
    second.onIdle = () => {
      throw new Stopped("idle");
    };
    expect(second.run(() => second.kernel.bootApplication())).toBe("idle");
    expect(word(second, "Mitigations") & mitigation("Verw")).toBe(sequences);
    expect(writes(second, "IA32_SPEC_CTRL"), "a parked core too").toEqual([1n]);
  });
});
