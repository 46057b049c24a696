// Every basic exit reason of SDM 3D Appendix C: what the kernel does about it, or which control makes it impossible. What is
// impossible and comes nonetheless stops its partition and nothing else.

import { describe, expect, test } from "vitest";
import { Stopped } from "../machine/machine.ts";
import { exitReason, KernelMachine, startedKernel } from "./kernel-machine.ts";

const LAST_REASON = 75;
const ENTRY_FAILURE = 0x8000_0000n;
const RIP = 0x1000n;

/** After the exit the guest goes on behind the instruction, goes on where it was, gets a fault, or its partition or the machine ends. */
type Effect = "advances" | "resumes" | "#UD" | "#GP" | "partition stops" | "machine stops";

interface Handled {
  name: string;
  effect: Effect;
  fields?: Record<string, bigint>;
  prepare?: (machine: KernelMachine) => void;
}

interface Control {
  field: "PRIMARY_CONTROLS" | "SECONDARY_CONTROLS";
  bit: number;
}

const primary = (bit: number): Control => ({ field: "PRIMARY_CONTROLS", bit });
const secondary = (bit: number): Control => ({ field: "SECONDARY_CONTROLS", bit });

const registers = (values: { rcx: bigint; rax: bigint }) => (machine: KernelMachine): void => machine.registers({ ...values, rdx: 0n });
const MISC_ENABLE = (machine: KernelMachine): void => {
  registers({ rcx: 0x1a0n, rax: 0x1800n })(machine);
  machine.answer("msrRead", () => 0x1800n);
  machine.answer("msrWrite", () => undefined);
};
const failedEntry = (name: string, effect: Effect): Handled => ({ name, effect, fields: { EXIT_REASON: ENTRY_FAILURE | BigInt(exitReason(name)) } });
const virtualisation = (name: string): Handled => ({ name, effect: "#UD" });

const HANDLED: Record<number, Handled> = {
  0: { name: "EXCEPTION_OR_NMI", effect: "resumes", fields: { VM_EXIT_INTERRUPTION_INFORMATION: 0x8000_0202n } },
  1: { name: "EXTERNAL_INTERRUPT", effect: "resumes", fields: { VM_EXIT_INTERRUPTION_INFORMATION: 0x8000_00ffn } },
  2: { name: "TRIPLE_FAULT", effect: "partition stops" },
  3: { name: "INIT_SIGNAL", effect: "resumes" },
  7: { name: "INTERRUPT_WINDOW", effect: "resumes" },
  8: { name: "NMI_WINDOW", effect: "resumes" },
  9: { name: "TASK_SWITCH", effect: "advances", prepare: (machine) => machine.answer("taskSwitch", () => undefined) },
  10: { name: "CPUID", effect: "advances" },
  11: virtualisation("GETSEC"),
  12: { name: "HLT", effect: "advances", fields: { GUEST_RFLAGS: 0x202n } },
  13: { name: "INVD", effect: "advances" },
  15: { name: "RDPMC", effect: "#GP" },
  18: { name: "VMCALL", effect: "advances" },
  19: virtualisation("VMCLEAR"),
  20: virtualisation("VMLAUNCH"),
  21: virtualisation("VMPTRLD"),
  22: virtualisation("VMPTRST"),
  23: virtualisation("VMREAD"),
  24: virtualisation("VMRESUME"),
  25: virtualisation("VMWRITE"),
  26: virtualisation("VMXOFF"),
  27: virtualisation("VMXON"),
  28: { name: "CONTROL_REGISTER_ACCESS", effect: "advances", prepare: (machine) => machine.registers({ rax: 0x11n }) },
  30: { name: "IO_INSTRUCTION", effect: "advances", fields: { EXIT_QUALIFICATION: 0x3fd_0008n }, prepare: (machine) => machine.answer("portRead", () => 0) },
  31: { name: "RDMSR", effect: "advances", prepare: MISC_ENABLE },
  32: { name: "WRMSR", effect: "advances", prepare: MISC_ENABLE },
  33: failedEntry("ENTRY_FAILURE_GUEST_STATE", "partition stops"),
  34: failedEntry("ENTRY_FAILURE_MSR_LOADING", "partition stops"),
  36: { name: "MWAIT", effect: "#UD" },
  39: { name: "MONITOR", effect: "#UD" },
  41: failedEntry("ENTRY_FAILURE_MACHINE_CHECK", "machine stops"),
  44: { name: "APIC_ACCESS", effect: "resumes", fields: { EXIT_QUALIFICATION: 0x0390n }, prepare: (machine) => machine.answer("memoryAccess", () => undefined) },
  45: { name: "VIRTUALIZED_EOI", effect: "resumes", fields: { EXIT_QUALIFICATION: 0x61n } },
  48: { name: "EPT_VIOLATION", effect: "#GP", fields: { EXIT_QUALIFICATION: 1n, GUEST_PHYSICAL_ADDRESS: 0x4000_0000n } },
  49: { name: "EPT_MISCONFIGURATION", effect: "partition stops" },
  50: virtualisation("INVEPT"),
  52: { name: "VMX_PREEMPTION_TIMER", effect: "resumes", prepare: (machine) => machine.answer("timer", () => undefined) },
  53: virtualisation("INVVPID"),
  54: { name: "WBINVD", effect: "advances" },
  55: { name: "XSETBV", effect: "advances", prepare: registers({ rcx: 0n, rax: 1n }) },
  56: { name: "APIC_WRITE", effect: "resumes", fields: { EXIT_QUALIFICATION: 0x0f0n } },
};

/** Reasons that need a control which is clear; where the control only enables the instruction, it is #UD without. */
const IMPOSSIBLE: Record<number, [name: string, control: Control]> = {
  14: ["INVLPG", primary(9)],
  16: ["RDTSC", primary(12)],
  29: ["MOV DR", primary(23)],
  37: ["monitor trap flag", primary(27)],
  40: ["PAUSE", primary(30)],
  46: ["access to GDTR or IDTR", secondary(2)],
  47: ["access to LDTR or TR", secondary(2)],
  51: ["RDTSCP", primary(12)],
  57: ["RDRAND", secondary(11)],
  58: ["INVPCID", primary(9)],
  59: ["VMFUNC", secondary(13)],
  60: ["ENCLS", secondary(15)],
  61: ["RDSEED", secondary(16)],
  62: ["page-modification log full", secondary(17)],
  63: ["XSAVES", secondary(20)],
  64: ["XRSTORS", secondary(20)],
  65: ["PCONFIG", secondary(27)],
  66: ["sub-page permissions", secondary(23)],
  67: ["UMWAIT", secondary(26)],
  68: ["TPAUSE", secondary(26)],
  69: ["LOADIWKEY", primary(17)],
  70: ["ENCLV", secondary(28)],
  72: ["ENQCMD", secondary(21)],
  73: ["ENQCMDS", secondary(21)],
  74: ["bus lock", secondary(30)],
  75: ["notification", secondary(31)],
};

/** Reasons that need a state no vCPU is ever in. */
const UNREACHABLE: Record<number, string> = {
  4: "SIPI: only a vCPU in the wait-for-SIPI state exits so",
  5: "SMI after I/O: only under the dual-monitor treatment of SMM",
  6: "SMI: only under the dual-monitor treatment of SMM",
  17: "RSM: only in SMM",
  43: "TPR below threshold: no vCPU has a TPR shadow without virtual-interrupt delivery (SDM 3C 30.1.2)",
};

/** Numbers that the manual gives to no reason. */
const UNASSIGNED = [35, 38, 42, 71];

async function started(): Promise<KernelMachine> {
  const machine = await startedKernel({ partitions: [{ health: { memory: "inject-fault" } }] });
  machine.setVmcs({ GUEST_RIP: RIP });
  return machine;
}

/** What the exit came to. */
function effectOf(machine: KernelMachine, exit: () => number): Effect {
  try {
    exit();
  } catch (error) {
    if (!(error instanceof Stopped)) throw error;
    return machine.lines.some((line) => line.includes("fatal ")) ? "machine stops" : "partition stops";
  }
  const { event } = machine;
  if (event !== undefined) return event.vector === 6 ? "#UD" : event.vector === 13 ? "#GP" : expect.fail(`vector ${event.vector}`);
  return machine.vmcs("GUEST_RIP") === RIP ? "resumes" : "advances";
}

test("no reason is left out, none has two answers", () => {
  const answered = [...Object.keys(HANDLED), ...Object.keys(IMPOSSIBLE), ...Object.keys(UNREACHABLE), ...UNASSIGNED].map(Number);
  expect(answered.sort((a, b) => a - b)).toEqual(Array.from({ length: LAST_REASON + 1 }, (_, reason) => reason));
});

describe("handled", () => {
  test.each(Object.entries(HANDLED).map(([reason, handled]) => [Number(reason), handled.name, handled.effect, handled] as const))("%i %s: %s", async (reason, name, effect, { fields, prepare }) => {
    expect(exitReason(name)).toBe(reason);
    const machine = await started();
    prepare?.(machine);
    expect(effectOf(machine, () => machine.exit(name, fields))).toBe(effect);
  });
});

describe("impossible by a control", () => {
  test.each(Object.entries(IMPOSSIBLE).map(([reason, [name, control]]) => [Number(reason), name, control] as const))("%i %s", async (_reason, _name, { field, bit }) => {
    const machine = await started();
    expect((machine.vmcs(field) >> BigInt(bit)) & 1n).toBe(0n);
  });

  test("entry and exit load and store no list of MSRs", async () => {
    const machine = await started();
    for (const list of ["VM_ENTRY_MSR_LOAD_COUNT", "VM_EXIT_MSR_LOAD_COUNT", "VM_EXIT_MSR_STORE_COUNT"]) expect(machine.vmcs(list)).toBe(0n);
  });

  test("no vCPU waits for a SIPI, and none is in SMM", async () => {
    const machine = await started();
    const WAIT_FOR_SIPI = 3n;
    const ENTRY_TO_SMM = 1n << 10n;
    expect(machine.vmcs("GUEST_ACTIVITY_STATE")).not.toBe(WAIT_FOR_SIPI);
    expect(machine.vmcs("VM_ENTRY_CONTROLS") & ENTRY_TO_SMM).toBe(0n);
  });
});

describe("that comes nonetheless", () => {
  const others = [...Object.keys(IMPOSSIBLE), ...Object.keys(UNREACHABLE), ...UNASSIGNED].map(Number);
  test.each(others)("%i stops its partition, which is told by number", async (reason) => {
    const machine = await started();
    expect(effectOf(machine, () => machine.exit("CPUID", { EXIT_REASON: BigInt(reason) }))).toBe("partition stops");
    expect(machine.lines.join("\n")).toContain(`unexpected exit reason 0x${reason.toString(16).padStart(8, "0")}`);
    expect(machine.lines.join("\n")).toContain("partition guest0 stopped: VM entry failed");
  });
});

describe("RIP beyond 4 GiB, which VM entry refuses", () => {
  /** The entry of a vCPU behind a CPUID that ended at 4 GiB. */
  function enter(machine: KernelMachine, fields: Record<string, bigint>): number {
    machine.setVmcs({ GUEST_RIP: 0x1_0000_0000n, GUEST_CS_ACCESS_RIGHTS: 0xc09bn, GUEST_IA32_EFER: 0n, ...fields });
    return machine.exit("ENTRY_FAILURE_GUEST_STATE", { EXIT_REASON: ENTRY_FAILURE | BigInt(exitReason("ENTRY_FAILURE_GUEST_STATE")) });
  }

  test("32-bit code goes on at 0", async () => {
    const machine = await started();
    expect(enter(machine, {})).toBe(0);
    expect(machine.vmcs("GUEST_RIP")).toBe(0n);
  });

  test.each([["64-bit code", { GUEST_CS_ACCESS_RIGHTS: 0xa09bn, GUEST_IA32_EFER: 0x500n }], ["another address", { GUEST_RIP: 0x2_0000_0000n }]])("%s: refused for another cause", async (_name, fields) => {
    const machine = await started();
    expect(effectOf(machine, () => enter(machine, fields))).toBe("partition stops");
  });
});
