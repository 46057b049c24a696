// What the guest does next: an exit of random kind with random operands, as a processor could make it.

import { readEnum } from "../unit/machine/source-enums.ts";
import { DISK_BAR, DISK_TABLE } from "../unit/kernel/assignment-machine.ts";
import type { FuzzMachine } from "./machine.ts";
import { F, SEGMENTS } from "./fields.ts";
import { GUEST_MEMORY } from "./guest-state.ts";
import { prepareTasks } from "./tasks.ts";
import type { Random } from "./random.ts";
import { useDisk } from "./virtio.ts";

const reasons = readEnum("kernel/cpu/vmx/exit-reason.ts", "ExitReason");
const msrs = [...readEnum("kernel/cpu/msr-index.ts", "Msr").values()];

function reason(name: string): number {
  const value = reasons.get(name);
  if (value === undefined) throw new Error(`no exit reason ${name}`);
  return value;
}

/** Ports of the virtual platform, and of a PC that it does not have. */
const PORTS = [0x20, 0x21, 0x40, 0x41, 0x42, 0x43, 0x60, 0x61, 0x64, 0x70, 0x71, 0x80, 0x92, 0xa0, 0xa1, 0x3f8, 0x3f9, 0x3fa, 0x3fb, 0x3fc, 0x3fd, 0x3fe, 0x3ff, 0x402, 0x4d0,
  0x510, 0x511, 0x514, 0x600, 0x602, 0x608, 0xcf8, 0xcf9, 0xcfa, 0xcfc, 0xcfd, 0xcfe, 0xcff, 0x8900, 0xf4, 0xe9, 0xffff] as const;
const PM1A_CONTROL = 0x604;
const CONFIG_ADDRESS = 0xcf8;
/** Hypercalls that end what goes on. */
const POWER_OFF = 2n;
const RESET = 3n;
/** Half of the MSR space is MSRs that the kernel or the local APIC knows. */
const MSR_RANGES = [[0, 0x400], [0x480, 0x20], [0x6e0, 2], [0x800, 0x100], [0xc000_0080, 8], [0xc000_0100, 4], [0x4000_0000, 0x20]] as const;
const CPUID_BASES = [0, 0x4000_0000, 0x8000_0000, 0xc000_0000] as const;
const VECTORS = [0x40, 0x41, 0x42, 0x50, 0x51, 0x52, 0x53, 0xef, 0xf0, 0xff] as const;
const LOCAL_APIC = 0xfee0_0000;
const IO_APIC = 0xfec0_0000;

type Action = (machine: FuzzMachine, random: Random) => void;

/** Instructions that exit without an operand, some of them privileged. */
const PRIVILEGED = ["INVD", "WBINVD", "RDPMC", "MWAIT", "MONITOR", "GETSEC", "VMCLEAR", "VMLAUNCH", "VMPTRLD", "VMPTRST", "VMREAD", "VMRESUME", "VMWRITE", "VMXOFF", "VMXON", "INVEPT", "INVVPID"].map(reason);

const cpuid: Action = (machine, random) => {
  machine.setLow(0, random.once(4) ? random.word() : random.pick(CPUID_BASES) + random.below(0x24));
  machine.exitBy(reason("CPUID"));
};

const msr = (name: string): Action => {
  const number = reason(name);
  return (machine, random) => {
    const [base, size] = random.pick(MSR_RANGES);
    machine.setLow(1, random.once(32) ? random.word() : random.once(2) ? random.pick(msrs) : base + random.below(size));
    machine.exitBy(number, { privileged: true });
  };
};

function randomPort(random: Random): number {
  if (random.once(20_000)) return PM1A_CONTROL;
  const port = random.once(8) ? random.word() & 0xffff : random.pick(PORTS);
  return port >= PM1A_CONTROL - 3 && port < PM1A_CONTROL + 2 ? 0x608 : port;
}

const io = reason("IO_INSTRUCTION");

const port: Action = (machine, random) => {
  const number = randomPort(random);
  if (number === CONFIG_ADDRESS) machine.setLow(0, 0x8000_0000 | (random.pick([0, 4, 5, 6, 31]) << 11) | (random.word() & 0xfc));
  const size = random.pick([0, 0, 1, 3]);
  machine.exitBy(io, { qualification: BigInt(size | (random.below(2) << 3) | (random.below(2) << 6)) | (BigInt(number) << 16n) });
};

const string: Action = (machine, random) => {
  const qualification = random.pick([0, 1, 3]) | (random.below(2) << 3) | 0x10 | (random.below(2) << 5);
  machine.setLow(1, random.once(4) ? random.word() : random.below(64));
  const inMemory = random.below(GUEST_MEMORY);
  machine.setLow(6, inMemory);
  machine.setLow(7, inMemory);
  const information = (random.pick([0, 1, 2]) << 7) | (random.below(6) << 15);
  machine.exitBy(io, { qualification: BigInt(qualification) | (BigInt(randomPort(random)) << 16n), linear: random.once(2) ? BigInt(inMemory) : random.operand(), instruction: BigInt(information) });
};

const hypercall: Action = (machine, random) => {
  let number = random.once(4) ? random.operand() : BigInt(random.below(8));
  if ((number === POWER_OFF && !random.once(5000)) || (number === RESET && !random.once(10))) number = 1n;
  machine.setLong(0, number);
  machine.exitBy(reason("VMCALL"));
};

/** Moves between registers and memory, with some of the prefixes that change them. */
const OPCODES = [[0x88], [0x89], [0x8a], [0x8b], [0xa0], [0xa1], [0xa2], [0xa3], [0xc6], [0xc7], [0x0f, 0xb6], [0x0f, 0xb7], [0x0f, 0xbe], [0x0f, 0xbf], [0x01], [0x09], [0x21],
  [0x29], [0x31], [0x39], [0x81], [0x83], [0x86], [0x87], [0xa4], [0xa5], [0xaa], [0xab], [0xac], [0xff], [0xf7], [0x8f], [0x0f, 0xc1], [0x0f, 0xb1], [0x0f, 0xa3], [0x63],
  [0x0f, 0x10], [0x0f, 0x11], [0x0f, 0x6f], [0x0f, 0x7f], [0x0f, 0xc7], [0x8c], [0x8e], [0x0f, 0x00], [0x50], [0x58], [0x68], [0xc3], [0xc8], [0xc9], [0xe8]] as const;
const PREFIXES = [0x66, 0x67, 0xf0, 0xf2, 0xf3, 0x2e, 0x36, 0x3e, 0x26, 0x64, 0x65, 0x48, 0x41, 0x4c] as const;

function writeInstruction(machine: FuzzMachine, random: Random): void {
  const bytes = Array.from({ length: 15 }, () => random.word() & 0xff);
  if (!random.once(8)) {
    const prefixes = Array.from({ length: random.pick([0, 0, 0, 1, 2]) }, () => random.pick(PREFIXES));
    const memory = random.once(4) ? random.word() & 0xff : random.word() & 0x3f;
    bytes.splice(0, prefixes.length + 3, ...prefixes, ...random.pick(OPCODES), memory);
  }
  machine.writeCode(bytes);
}

const memory: Action = (machine, random) => {
  const gpa = deviceAddress(random);
  if (machine.needsNewState(random)) machine.newState(random, false);
  writeInstruction(machine, random);
  if (!random.once(4)) for (const register of [0, 1, 2, 3, 5, 6, 7]) machine.setLong(register, gpa);
  const access = random.pick([1, 1, 2, 2, 3, 4]);
  const qualification = BigInt(access) | (random.once(8) ? 0n : 0x80n) | (random.once(8) ? 0n : 0x100n) | (random.once(32) ? 1n << 12n : 0n);
  const linear = random.once(4) ? random.operand() : gpa;
  machine.exitBy(reason("EPT_VIOLATION"), { qualification, physical: gpa, linear, vectoring: random.once(16) ? vectoring(machine, random) : 0n, keepsState: true });
};

function deviceAddress(random: Random): bigint {
  switch (random.below(8)) {
    case 0: return BigInt(random.word()) << 12n & 0x3fff_ffff_f000n;
    case 1: return BigInt(IO_APIC + random.pick([0, 0x10, 0x20, 0x40, random.below(0x1000)]));
    case 2: return BigInt(DISK_BAR + DISK_TABLE + random.below(0x60));
    case 3: return BigInt(0xc000_0000 + random.below(0x3eb0_0000));
    default: return BigInt(LOCAL_APIC + (random.once(4) ? random.below(0x1000) : 16 * random.below(0x40)));
  }
}

/** An event whose delivery the exit interrupted. */
function vectoring(machine: FuzzMachine, random: Random): bigint {
  const type = random.pick([0, 2, 3, 3, 3, 4, 6]);
  const vmcs = machine.processor.vmcs;
  const flags = vmcs.get(F.rflags) ?? 0n;
  vmcs.set(F.interruptibility, type === 2 ? 8n : 0n);
  vmcs.set(F.pendingDebug, 0n);
  if (type === 0) vmcs.set(F.rflags, flags | 0x200n);
  const vector = type === 2 ? 2 : type === 3 ? random.pick([0, 1, 5, 6, 7, 8, 10, 11, 12, 13, 14, 16, 17]) : type === 6 ? random.pick([3, 4]) : random.word() & 0xff;
  const hasError = type === 3 && (vmcs.get(F.cr0)! & 1n) !== 0n && [8, 10, 11, 12, 13, 14, 17].includes(vector);
  return BigInt((vector | (type << 8) | (hasError ? 0x800 : 0) | 0x8000_0000) >>> 0);
}

const interrupt: Action = (machine, random) => {
  const vector = random.once(8) ? 32 + random.below(224) : random.pick(VECTORS);
  if (vector === 0x40) for (let count = random.below(20); count > 0; count--) machine.uart.input.push(random.word() & 0xff);
  machine.exitBy(reason("EXTERNAL_INTERRUPT"), { exitEvent: BigInt(0x8000_0000 + vector), keepsActivity: true });
};

const machineNmi: Action = (machine, random) => {
  const interrupted = random.once(2) ? 0n : vectoring(machine, random);
  machine.exitBy(reason("EXCEPTION_OR_NMI"), { exitEvent: 0x8000_0202n, vectoring: interrupted, keepsActivity: interrupted === 0n, keepsState: true });
};

/** Qualification, SDM 3C table 28-3: only a write that changes a bit of the kernel's exits. */
const controlRegister: Action = (machine, random) => {
  const operand = random.pick([0, 1, 2, 3, 5, 6, 7, 8, 15]);
  const kind = random.below(8);
  if (kind === 0) return machine.exitBy(reason("CONTROL_REGISTER_ACCESS"), { qualification: BigInt(0x20 | (random.below(2) << 4)) | (BigInt(random.word() & 0xffff) << 16n), privileged: true });
  if (kind < 4) {
    const shadow = machine.processor.vmcs.get(F.cr0Shadow) ?? 0n;
    let value = random.once(4) ? random.operand() : shadow ^ BigInt(random.word() & 0xe005_003f);
    if (((value ^ shadow) & 0x6000_0020n) === 0n) value ^= 1n << 30n;
    machine.setLong(operand, value);
    return machine.exitBy(reason("CONTROL_REGISTER_ACCESS"), { qualification: BigInt(operand << 8), privileged: true, keepsState: true });
  }
  if (kind < 6) {
    machine.setLong(operand, random.long() | (1n << BigInt(random.pick([11, 12, 13, 14, 22, 23, 24, 31, 32, 63]))));
    return machine.exitBy(reason("CONTROL_REGISTER_ACCESS"), { qualification: BigInt((operand << 8) | 4), privileged: true });
  }
  if (random.once(2)) machine.setLong(operand, BigInt(random.below(20)));
  machine.exitBy(reason("CONTROL_REGISTER_ACCESS"), { qualification: BigInt((operand << 8) | 8 | (random.below(2) << 4)), privileged: true });
};

const extendedState: Action = (machine, random) => {
  machine.setLow(1, random.once(8) ? random.word() : 0);
  machine.setLow(2, random.once(8) ? random.word() : 0);
  machine.setLow(0, random.word() & 0x3ff);
  machine.exitBy(reason("XSETBV"), { privileged: true });
};

const halt: Action = (machine, random) => {
  machine.requirePrivilege();
  // With interrupts closed it would end the partition, which is right but short.
  const flags = machine.processor.vmcs.get(F.rflags) ?? 0n;
  if (!random.once(500)) machine.processor.vmcs.set(F.rflags, flags | 0x200n);
  machine.exitBy(reason("HLT"), { privileged: true, keepsState: true });
};

const plain = (number: number): Action => (machine) => machine.exitBy(number, { keepsActivity: true });
const windowOf = (name: string, bit: bigint): Action => (machine) => {
  // Such an exit comes only where the window was asked for.
  if (((machine.processor.vmcs.get(F.primaryControls) ?? 0n) & bit) === 0n) return machine.exitBy(reason("VMX_PREEMPTION_TIMER"), { keepsActivity: true });
  machine.exitBy(reason(name), { keepsActivity: true });
};

/** Exits of a local APIC that the processor virtualises, SDM 3C 30.1.4, 30.4.2 and 30.4.3. */
const virtualApic: Action = (machine, random) => {
  const secondary = machine.processor.vmcs.get(F.secondaryControls) ?? 0n;
  if ((secondary & 0x200n) === 0n) return machine.exitBy(reason("VMX_PREEMPTION_TIMER"), { keepsActivity: true });
  if (random.once(3)) return machine.exitBy(reason("VIRTUALIZED_EOI"), { qualification: BigInt(random.word() & 0xff) });
  if (random.once(2)) return machine.exitBy(reason("APIC_WRITE"), { qualification: BigInt(16 * random.below(0x40)) });
  if ((secondary & 1n) === 0n) return machine.exitBy(reason("VMX_PREEMPTION_TIMER"), { keepsActivity: true });
  const offset = random.once(4) ? random.below(0x1000) : 16 * random.below(0x40);
  writeInstruction(machine, random);
  for (const register of [0, 1, 2, 3, 5, 6, 7]) machine.setLong(register, BigInt(LOCAL_APIC + offset));
  machine.exitBy(reason("APIC_ACCESS"), { qualification: BigInt(offset | (random.pick([0, 1, 1, 2, 3]) << 12)), linear: BigInt(LOCAL_APIC + offset), physical: BigInt(LOCAL_APIC + offset), keepsState: true });
};

const rare: Action = (machine, random) => {
  const number = random.pick([reason("TRIPLE_FAULT"), reason("INIT_SIGNAL"), reason("TASK_SWITCH"), reason("EPT_MISCONFIGURATION"), 0x8000_0021, 0x8000_0022, random.pick([4, 17, 29, 35, 37, 60, 75])]);
  machine.exitBy(number, { qualification: random.long(), vectoring: number === reason("TASK_SWITCH") && random.once(2) ? vectoring(machine, random) : 0n, keepsState: true });
};

/** A task switch as the processor lets it through to the exit, SDM 3C 26.4.2; what it leaves is of no other mode. */
const taskSwitch: Action = (machine, random) => {
  const { vmcs } = machine.processor;
  do machine.newState(random, false);
  while ((vmcs.get(F.efer) ?? 0n) & 0x400n || !((vmcs.get(F.cr0) ?? 0n) & 1n));
  const tables = [SEGMENTS[6]!, SEGMENTS[7]!].flatMap(({ selector, base, limit, rights }) => [selector, base, limit, rights].map((field) => [field, vmcs.get(field) ?? 0n] as const));
  const { selector, bytes, at } = prepareTasks(vmcs, random);
  machine.writeMemory(at, bytes);
  const source = random.below(4);
  const byEvent = source === 3 && random.once(2);
  machine.exitBy(reason("TASK_SWITCH"), { qualification: BigInt(selector) | (BigInt(source) << 30n), vectoring: byEvent ? vectoring(machine, random) : 0n, keepsState: true });
  for (const [field, value] of tables) vmcs.set(field, value);
  machine.newState(random, false);
};

/** A monitor that its guest has taken over: what the kernel reads of it is random after the next call. */
const brokenMonitor: Action = (machine, random) => {
  machine.corruptNextCall();
  random.pick([port, string, memory, msr("WRMSR"), plain(reason("VMX_PREEMPTION_TIMER"))])(machine, random);
};

/** Actions and how often each comes. */
const WEIGHTED: readonly (readonly [Action, number])[] = [
  [cpuid, 6], [msr("RDMSR"), 10], [msr("WRMSR"), 12], [port, 22], [string, 5], [hypercall, 4], [memory, 18], [interrupt, 6], [machineNmi, 1], [controlRegister, 6], [extendedState, 2],
  [halt, 2], [virtualApic, 6], [taskSwitch, 1], [useDisk, 1], [plain(reason("VMX_PREEMPTION_TIMER")), 4], [windowOf("INTERRUPT_WINDOW", 1n << 2n), 2],
  [windowOf("NMI_WINDOW", 1n << 22n), 1],
  [(machine, random) => machine.exitBy(random.pick(PRIVILEGED), { privileged: true, qualification: random.long() }), 2],
];
const WHEEL = WEIGHTED.flatMap(([action, weight]) => Array.from({ length: weight }, () => action));

/** One action of the guest. */
export function act(machine: FuzzMachine, random: Random): void {
  machine.randomRegisters(random);
  if (random.once(2000)) return rare(machine, random);
  if (random.once(500)) return brokenMonitor(machine, random);
  random.pick(WHEEL)(machine, random);
}

export const CODE_SEGMENT = SEGMENTS[1]!;
