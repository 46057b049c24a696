// The whole kernel.wasm on a simulated machine with VMX, after planner.wasm, up to its partition and through its exits.
//
//   const machine = await startedKernel();                        // boots up to the first VM entry
//   machine.registers({ rax: 0x4000_0000n });
//   machine.exit("CPUID");
//   expect(machine.register("rbx")).toBe(...);
//
// A scripted monitor stands in for monitor.wasm: machine.answer("portRead", () => 0x55).

import { AccessStatus, EntryMode, EntryState, ImageKind, Mailbox, VcpuMailbox } from "../../../monitor/interface.ts";
import { encodePolicy } from "../../../scripts/policy/encode.ts";
import * as acpi from "../machine/acpi-tables.ts";
import { encodeBootInformation, PC_MEMORY_MAP } from "../machine/boot-information.ts";
import { Clock } from "../machine/clock.ts";
import { compileEntry } from "../machine/compile.ts";
import { PmTimer } from "../machine/devices.ts";
import { IO_APIC, Machine, Stopped, type MachineOptions } from "../machine/machine.ts";
import { enumReader } from "../machine/source-enums.ts";
import { compileMonitor } from "../monitor/harness.ts";
import { makeElf } from "../monitor/loader/images.ts";
import { applyProfile, msrIndex, readProfile } from "./capabilities.ts";
import { describeSystem, type KernelOptions } from "./kernel-options.ts";

interface KernelExports {
  memory: WebAssembly.Memory;
  boot(): void;
  bootApplication(): void;
  exit(): number;
  entryFailed(status: number): void;
}

interface PlannerExports {
  plan(information: bigint): bigint;
}

/** What a machine boots. */
export interface KernelModules {
  kernel: WebAssembly.Module;
  planner: WebAssembly.Module;
}

/** State that the scripted monitor asks the vCPU to start in; offsets as in EntryState. */
export interface ScriptedEntry {
  mode: EntryMode;
  rip: bigint;
  rsp?: bigint;
  rsi?: bigint;
  rax?: bigint;
  rbx?: bigint;
  cr3?: bigint;
  gdt?: bigint;
}

export const field = enumReader("kernel/cpu/vmx/field.ts", "VmcsField");
export const exitReason = enumReader("kernel/cpu/vmx/exit-reason.ts", "ExitReason");
const fixed = enumReader("kernel/memory/layout.ts", "Fixed");

export const REGISTERS = ["rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"] as const;
export type RegisterName = (typeof REGISTERS)[number];

const TABLES = 0xf_0000;
const INFORMATION = 0x50_0000;
const MODULES = 0x60_0000;
const DISK_DISTANCE = 0x1_0000;
/** Where the first partition's disk lies, the next one DISK_DISTANCE behind it; a page and a half each. */
export const FIRST_DISK = 0x58_0000;
export const DISK_SIZE = 0x1800;
const PM_TIMER = 0x608;
export const NO_DEADLINE = 0xffff_ffff_ffff_ffffn;
/** Attention.Record. */
const LOOK_AT_RECORD = 1;
const ALL_ONES = 0xffff_ffff_ffff_ffffn;

export class KernelMachine extends Machine {
  readonly kernel: KernelExports;
  entry: ScriptedEntry = { mode: EntryMode.Flat32, rip: 0x10_0000n, rbx: 0x9000n };

  constructor(private readonly modules: KernelModules, private readonly setUp: KernelOptions = {}, options: MachineOptions = {}) {
    super({ clock: new Clock(2_000_000_000n, 20_000n), x2Apic: true, ...(setUp.monitor === undefined ? {} : { monitor: setUp.monitor }), ...options });
    applyProfile(this.processor, setUp.profile ?? readProfile());
    this.ports.add(PM_TIMER, 4, new PmTimer(this.clock, 32));
    if (options.monitorHost === undefined) this.scriptMonitor();
    this.kernel = this.instantiate<KernelExports>(modules.kernel);
  }

  /** Runs the planner, then boot() until the kernel enters the guest or one of them stops. Returns why it stopped. */
  boot(): string {
    this.placeTables();
    this.placeModules();
    this.setUp.prepare?.(this);
    return this.run(() => {
      const planner = this.instantiatePlanner<PlannerExports>(this.modules.planner);
      this.view.setBigUint64(fixed("Plan"), planner.plan(BigInt(INFORMATION)), true);
      this.kernel.boot();
    });
  }

  /** What `work` ends with: "enterGuest", "halt" or "" when it returns. */
  run(work: () => void): string {
    try {
      work();
      return "";
    } catch (error) {
      if (error instanceof Stopped) return error.message;
      throw error;
    }
  }

  private placeTables(): void {
    const cores = Array.from({ length: this.setUp.cores ?? this.setUp.partitions?.length ?? 1 }, (_, i) => acpi.localApic(i));
    const tables = [acpi.madt([...cores, acpi.ioApicEntry(IO_APIC, 0)]), acpi.fadt({ pmTimer: PM_TIMER, timer32: true }), ...(this.setUp.tables ?? [])];
    acpi.placeTables(this.memory, TABLES, tables);
  }

  /** policy.bin, one image that all partitions share, then the disk of each partition that has one. */
  private placeModules(): void {
    const described = describeSystem(this.setUp);
    const { kind, bytes: image } = this.setUp.image ?? { kind: ImageKind.Pvh, bytes: Buffer.from("image") };
    let last = 1;
    const encoded = described.partitions.map((partition) => ({
      partition, imageKind: kind, kernelModule: 1, ramDiskModule: null, commandLine: "quiet", diskModule: partition.disk === undefined ? null : ++last,
    }));
    const policy = encodePolicy(described, encoded, last);
    const disks = Array.from({ length: last - 1 }, (_, index) => ({ start: FIRST_DISK + index * DISK_DISTANCE, bytes: Buffer.alloc(DISK_SIZE, 0xd1) }));
    const contents = [{ start: MODULES, bytes: policy }, { start: MODULES + 0x1_0000, bytes: image }, ...disks];
    for (const { start, bytes } of contents) this.memory.writeBytes(start, bytes);
    const modules = contents.map(({ start, bytes }) => ({ start, end: start + bytes.length }));
    this.memory.writeBytes(INFORMATION, encodeBootInformation({ commandLine: `console=e9 ${this.setUp.commandLine ?? ""}`.trim(), modules, memoryMap: this.setUp.memoryMap ?? PC_MEMORY_MAP, tags: this.setUp.bootTags ?? [] }));
  }

  private scriptMonitor(): void {
    this.monitor.answers.set("start", () => {
      const at = (offset: EntryState, value = 0n): void => this.monitor.mailbox.setBigUint64(Mailbox.Entry + offset, value, true);
      at(EntryState.Mode, BigInt(this.entry.mode));
      at(EntryState.Rip, this.entry.rip);
      at(EntryState.Rsp, this.entry.rsp);
      at(EntryState.Rsi, this.entry.rsi);
      at(EntryState.Rax, this.entry.rax);
      at(EntryState.Rbx, this.entry.rbx);
      at(EntryState.Cr3, this.entry.cr3);
      at(EntryState.GdtBase, this.entry.gdt);
      this.pend({ vector: 0, nmi: 0, deadline: NO_DEADLINE });
      return 0;
    });
    this.answer("msrRead", () => ALL_ONES, AccessStatus.OpenBus);
    this.answer("msrWrite", () => undefined, AccessStatus.OpenBus);
  }

  /** Sets the answer of a monitor entry point and the AccessStatus it leaves. */
  answer(name: string, value: (...parameters: (number | bigint)[]) => number | bigint | undefined, status = AccessStatus.Done): void {
    this.monitor.answers.set(name, (...parameters) => {
      this.monitor.mailbox.setUint32(Mailbox.Status, status, true);
      return value(...parameters);
    });
  }

  /** Parameters of the monitor calls by this name, in order, unsigned. */
  monitorCalls(name: string): (number | bigint)[][] {
    const unsigned = (value: number | bigint): number | bigint => (typeof value === "bigint" ? BigInt.asUintN(64, value) : value >>> 0);
    return this.monitor.calls.filter((call) => call.name === name).map(({ parameters }) => parameters.map(unsigned));
  }

  /** What waits for the vCPU, as a monitor call leaves it in the mailbox. */
  pend(events: { vector?: number; nmi?: number; deadline?: bigint }): void {
    const { mailbox } = this.monitor;
    if (events.vector !== undefined) mailbox.setUint32(Mailbox.Vcpus + VcpuMailbox.PendingVector, events.vector, true);
    if (events.nmi !== undefined) mailbox.setUint32(Mailbox.Vcpus + VcpuMailbox.PendingNmi, events.nmi, true);
    if (events.deadline !== undefined) mailbox.setBigUint64(Mailbox.Vcpus + VcpuMailbox.Deadline, events.deadline, true);
    this.view.setUint32(fixed("Attention"), this.view.getUint32(fixed("Attention"), true) | LOOK_AT_RECORD, true);
  }

  /**
   * One VM exit as the processor makes it: exit information that is not given is zero, instructions are two bytes long,
   * and the event of the last entry is delivered. Returns NextEntry.
   */
  exit(reason: string, fields: Record<string, bigint> = {}): number {
    this.setVmcs({
      EXIT_QUALIFICATION: 0n, GUEST_LINEAR_ADDRESS: 0n, GUEST_PHYSICAL_ADDRESS: 0n, VM_EXIT_INTERRUPTION_INFORMATION: 0n,
      IDT_VECTORING_INFORMATION: 0n, IDT_VECTORING_ERROR_CODE: 0n, VM_EXIT_INSTRUCTION_INFORMATION: 0n,
      VM_ENTRY_INTERRUPTION_INFORMATION: 0n, VM_EXIT_INSTRUCTION_LENGTH: 2n, EXIT_REASON: BigInt(exitReason(reason)), ...fields,
    });
    return this.kernel.exit();
  }

  vmcs(name: string): bigint {
    return this.processor.vmcs.get(field(name)) ?? 0n;
  }

  setVmcs(fields: Record<string, bigint>): void {
    for (const [name, value] of Object.entries(fields)) this.processor.vmcs.set(field(name), value);
  }

  /** The event that the next entry delivers. */
  get event(): { vector: number; type: number; errorCode?: bigint } | undefined {
    const information = Number(this.vmcs("VM_ENTRY_INTERRUPTION_INFORMATION"));
    if ((information & 0x8000_0000) === 0) return undefined;
    const event = { vector: information & 0xff, type: (information >> 8) & 7 };
    return information & 0x800 ? { ...event, errorCode: this.vmcs("VM_ENTRY_EXCEPTION_ERROR_CODE") } : event;
  }

  register(name: RegisterName): bigint {
    if (name === "rsp") return this.vmcs("GUEST_RSP");
    return this.view.getBigUint64(fixed("GuestRegisters") + 8 * REGISTERS.indexOf(name), true);
  }

  registers(values: Partial<Record<RegisterName, bigint>>): void {
    for (const [name, value] of Object.entries(values)) {
      if (name === "rsp") this.setVmcs({ GUEST_RSP: value });
      else this.view.setBigUint64(fixed("GuestRegisters") + 8 * REGISTERS.indexOf(name as RegisterName), BigInt.asUintN(64, value), true);
    }
  }

  /** Lines on the debug console. */
  get lines(): string[] {
    return this.debugConsole.output.split("\r\n").filter((line) => line !== "");
  }

  /** Address of the plan that this core's kernel holds. */
  get plan(): bigint {
    return this.view.getBigUint64(fixed("Plan"), true);
  }

  msr(name: string): bigint {
    return this.processor.msrs.get(msrIndex(name)) ?? ALL_ONES;
  }
}

/** Compiled once for all test files. */
export async function compileKernel(): Promise<KernelModules> {
  return { kernel: await compileEntry("kernel/main.ts"), planner: await compileEntry("planner/main.ts", "planner") };
}

/** As startedKernel(), with monitor.wasm in place of the scripted monitor. */
export async function startedWithMonitor(options: KernelOptions = {}): Promise<KernelMachine> {
  const partitions = (options.partitions ?? [{}]).map((partition) => ({ memory: "64 MiB", ...partition }));
  return startedKernel({ ...options, partitions, monitor: await compileMonitor(), image: { kind: ImageKind.Pvh, bytes: makeElf() } });
}

/** A machine whose kernel has entered its partition for the first time. */
export async function startedKernel(options: KernelOptions = {}): Promise<KernelMachine> {
  const machine = new KernelMachine(await compileKernel(), options);
  const end = machine.boot();
  if (end !== "enterGuest") throw new Error(`the kernel ended with "${end}":\n${machine.debugConsole.output}`);
  return machine;
}
