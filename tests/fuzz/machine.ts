// The machine that is fuzzed: kernel.wasm and monitor.wasm as they are, on core 0 with the guest and on core 1 with its neighbour, VT-d and a
// disk of the guest's own. After each exit it checks what must hold whatever the guest does.

import { ImageKind, Mailbox, PartitionRequest, VcpuMailbox, VIRTUAL_APIC_BASE } from "../../monitor/interface.ts";
import { DeviceMachine, type DeviceOptions } from "../unit/kernel/assignment-machine.ts";
import { tablesOf } from "../unit/kernel/device-cores.ts";
import type { KernelModules } from "../unit/kernel/kernel-machine.ts";
import { enumReader } from "../unit/machine/source-enums.ts";
import { makeElf } from "../unit/monitor/loader/images.ts";
import { refusal } from "./entry-checks.ts";
import { F, SEGMENTS } from "./fields.ts";
import { enterRandomState, GUEST_MEMORY, PAGE_TABLES, TABLES } from "./guest-state.ts";
import { GuardedMemory } from "./guarded-memory.ts";
import type { Random } from "./random.ts";
import { vmwriteGuard } from "./vmwrite-guard.ts";

const fixed = enumReader("kernel/memory/layout.ts", "Fixed");
const REGISTERS = fixed("GuestRegisters");
const planPartition = enumReader("kernel/partition/plan.ts", "PlanPartition");
/** Write-back, four levels. */
const EPTP_ATTRIBUTES = 0x1en;
/** Behind the instance page. */
const MONITOR_MEMORY = 4096n;
const RSP = 4;
/** Accesses to memory, VMCS and ports in one exit that enters the guest again; a restart loads an image besides. */
const MOST_WORK = 20_000;
const MOST_WORK_OF_RESTART = 400_000;
const ENTRY_FAILURE_GUEST_STATE = 0x8000_0021;
const LAST_PARAGRAPH = 0xfff_ffffn;
const RESUME = 0;
const LAUNCH = 1;
const vector = enumReader("drivers/vectors.ts", "HostVector");
/** Fixed interrupts that the kernel sends to its own cores, bits 10:0 of the command: from the mailbox's up to the spurious one. */
const isOwnMessage = (command: number): boolean => (command & 0x7ff) >= vector("Mailbox") && (command & 0x7ff) < vector("Spurious");
/** MSRs that the kernel writes on a running core: interrupt controller, speculation, and what a guest starts with. */
const WRITABLE_MSRS = new Set([0x48, 0x49, 0x10b, 0x80b, 0x830, 0xc000_0081, 0xc000_0082, 0xc000_0083, 0xc000_0084, 0xc000_0102, 0xc000_0103]);
const DEBUG_CONSOLE = 0xe9;

const KEPT_OUTPUT = 100_000;

export interface ExitOptions {
  qualification?: bigint;
  physical?: bigint;
  linear?: bigint;
  exitEvent?: bigint;
  vectoring?: bigint;
  instruction?: bigint;
  /** Needs CPL 0. */
  privileged?: boolean;
  /** The state was prepared for this exit. */
  keepsState?: boolean;
  /** No instruction of the guest: it may sleep on. */
  keepsActivity?: boolean;
}

/** What must not happen. */
export class Violation extends Error {}

export class FuzzMachine extends DeviceMachine {
  readonly guarded: GuardedMemory;
  /** How often the guest started anew. */
  starts = 0;
  /** The exit under way. */
  last = "";
  private readonly linear8: DataView;
  private readonly base: number;
  private corrupts: Random | null = null;
  private isTainted = false;
  private wantsCorruption = false;
  private work = 0;

  private constructor(modules: KernelModules, options: DeviceOptions, private readonly random: Random) {
    const memory = new GuardedMemory();
    super(modules, { ...options, memory });
    this.guarded = memory;
    const end = this.boot();
    if (end !== "enterGuest") throw new Violation(`the kernel ended with "${end}":\n${this.debugConsole.output}`);
    this.linear8 = this.view;
    this.base = Number(this.memoryBase(0));
    memory.seal(tablesOf(this, 0));
    const guard = vmwriteGuard(this.processor.vmcs, this.frames());
    this.processor.onVmwrite = (field, value) => {
      this.work++;
      guard(field, value);
    };
    this.monitor.afterCall = () => this.corrupt();
    this.prepareGuest();
    this.forgetWrites();
  }

  static start(modules: KernelModules, monitor: WebAssembly.Module, random: Random, options: Partial<DeviceOptions>): FuzzMachine {
    const image = { kind: ImageKind.Pvh, bytes: makeElf() };
    return new FuzzMachine(modules, { partitions: [], ...options, monitor, image }, random);
  }

  /** What the partition's plan says of fields that the kernel changes with the mode of the local APIC. */
  private frames(): Record<string, bigint[]> {
    const planned = (name: string): bigint => this.memory.read(Number(this.plan) + 4096 + planPartition(name), 8);
    return {
      MSR_BITMAP: [planned("MsrBitmap"), planned("X2ApicMsrBitmap")],
      EPT_POINTER: [planned("EptRoot") | EPTP_ATTRIBUTES, planned("ApicEptRoot") | EPTP_ATTRIBUTES],
      VIRTUAL_APIC_ADDRESS: [planned("Monitor") + MONITOR_MEMORY + BigInt(VIRTUAL_APIC_BASE)],
      APIC_ACCESS_ADDRESS: [planned("ApicAccessPage")],
    };
  }

  private prepareGuest(): void {
    this.memory.writeBytes(this.base + Number(TABLES.long), PAGE_TABLES);
    this.isTainted = false;
    this.starts++;
  }

  setLow(register: number, value: number): void {
    this.linear8.setUint32(REGISTERS + 8 * register, value, true);
    this.linear8.setUint32(REGISTERS + 8 * register + 4, 0, true);
  }

  setLong(register: number, value: bigint): void {
    if (register === RSP) this.processor.vmcs.set(F.rsp, BigInt.asUintN(64, value));
    else this.linear8.setBigUint64(REGISTERS + 8 * register, BigInt.asUintN(64, value), true);
  }

  randomRegisters(random: Random): void {
    for (let register = 0; register < 8; register++) {
      this.linear8.setUint32(REGISTERS + 8 * register, random.once(2) ? random.word() : random.word() & 0xff, true);
      this.linear8.setUint32(REGISTERS + 8 * register + 4, random.once(2) ? 0 : random.word(), true);
    }
  }

  /** Writes instruction bytes where the guest's code is, as far as that is its memory. */
  writeCode(bytes: readonly number[]): void {
    const vmcs = this.processor.vmcs;
    const at = Number(BigInt.asUintN(32, (vmcs.get(SEGMENTS[1]!.base) ?? 0n) + (vmcs.get(F.rip) ?? 0n)));
    if (at + bytes.length <= 0x60_0000 || (at >= 0x60_8000 && at + bytes.length <= GUEST_MEMORY)) this.memory.writeBytes(this.base + at, Uint8Array.from(bytes));
  }

  /** Writes to the guest's memory. */
  writeMemory(at: number, bytes: Uint8Array): void {
    this.memory.writeBytes(this.base + at, bytes);
  }

  /** An unsigned number of `size` bytes. */
  readGuest(gpa: number, size: number): number {
    return Number(this.memory.read(this.base + gpa, size));
  }

  needsNewState(random: Random): boolean {
    return random.once(4);
  }

  newState(random: Random, privileged: boolean): void {
    enterRandomState(this.processor.vmcs, random, privileged);
  }

  /** Only CPL 0 gets as far as a privileged instruction's exit. */
  requirePrivilege(): void {
    if (((this.processor.vmcs.get(SEGMENTS[2]!.rights) ?? 0n) & 0x60n) !== 0n) this.newState(this.random, true);
  }

  corruptNextCall(): void {
    this.wantsCorruption = true;
  }

  /** One exit by `reason` and the way back into the guest. */
  exitBy(reason: number, options: ExitOptions = {}): void {
    const vmcs = this.processor.vmcs;
    const privileged = options.privileged ?? false;
    if (!options.keepsState && this.random.once(8)) this.newState(this.random, privileged);
    if (privileged) this.requirePrivilege();
    if (!options.keepsActivity) vmcs.set(F.activity, 0n);
    vmcs.set(F.reason, BigInt(reason));
    vmcs.set(F.qualification, options.qualification ?? 0n);
    vmcs.set(F.physical, options.physical ?? 0n);
    vmcs.set(F.linear, options.linear ?? 0n);
    vmcs.set(F.exitEvent, options.exitEvent ?? 0n);
    vmcs.set(F.vectoring, options.vectoring ?? 0n);
    vmcs.set(F.vectoringError, 0n);
    vmcs.set(F.instruction, options.instruction ?? 0n);
    vmcs.set(F.length, BigInt(1 + this.random.below(15)));
    vmcs.set(F.event, 0n);
    this.carryOut(reason);
  }

  private carryOut(reason: number): void {
    this.last = `exit reason 0x${reason.toString(16)}, qualification 0x${(this.processor.vmcs.get(F.qualification) ?? 0n).toString(16)}`;
    [this.work, this.guarded.accesses] = [0, 0];
    const next = this.kernel.exit();
    this.checkWork(next);
    this.checkHost();
    if (next === LAUNCH) this.prepareGuest();
    const problem = refusal(this.processor.vmcs);
    if (problem !== "") this.refuse(problem, reason);
    this.enter();
    // A jump has led to where no instruction can be fetched across the end of 4 GiB.
    if ((this.processor.vmcs.get(F.rip) ?? 0n) >> 4n === LAST_PARAGRAPH) this.newState(this.random, false);
  }

  /** A guest that has its monitor may spoil its own state: the kernel must then outlive the entry's failure. */
  private refuse(problem: string, reason: number): void {
    if (!this.isTainted) throw new Violation(`the processor would refuse the entry: ${problem}`);
    if (reason === ENTRY_FAILURE_GUEST_STATE) throw new Violation(`its restart left a state that the processor refuses: ${problem}`);
    this.processor.vmcs.set(F.event, 0n);
    this.processor.vmcs.set(F.reason, BigInt(ENTRY_FAILURE_GUEST_STATE));
    this.carryOut(ENTRY_FAILURE_GUEST_STATE);
  }

  private checkWork(next: number): void {
    const work = this.work + this.guarded.accesses;
    if (work > (next === LAUNCH ? MOST_WORK_OF_RESTART : MOST_WORK)) throw new Violation(`the exit took ${work} accesses`);
    if (next !== RESUME && next !== LAUNCH && next !== 2) throw new Violation(`exit() returned ${next}`);
  }

  /** What the kernel did to the machine: no MSR, port or message but its own. */
  private checkHost(): void {
    for (const { index, value } of this.processor.msrWrites) if (!WRITABLE_MSRS.has(index)) throw new Violation(`WRMSR 0x${index.toString(16)} of 0x${value.toString(16)}`);
    for (const { port } of this.ports.writes) if (port !== DEBUG_CONSOLE && (port < 0x3f8 || port > 0x3ff)) throw new Violation(`write to port 0x${port.toString(16)}`);
    for (const { apicId, command } of this.localApic.commands) {
      if (!isOwnMessage(command)) throw new Violation(`interrupt command 0x${command.toString(16)}`);
      // A monitor posts to vCPUs other than its caller; here there are none.
      if ((command & 0x7ff) === vector("PostedInterrupt") && !this.isTainted) throw new Violation("a vCPU posts to itself");
      if ((command & 0x7ff) !== vector("Mailbox") && apicId !== 0) throw new Violation(`a message for vCPUs went to core ${apicId}`);
    }
    if ((this.processor.xcr0 & 1n) === 0n || this.processor.xcr0 & ~0xe7n) throw new Violation(`XCR0 0x${this.processor.xcr0.toString(16)}`);
    this.forgetWrites();
    this.bootCalls.length = 0;
  }

  private forgetWrites(): void {
    this.processor.msrWrites.length = 0;
    this.ports.writes.length = 0;
    this.localApic.commands.length = 0;
    this.monitor.calls.length = 0;
    this.processor.vmxCalls.length = 0;
  }

  /** What the processor does with the event and the state at the entry. */
  private enter(): void {
    const vmcs = this.processor.vmcs;
    const event = vmcs.get(F.event) ?? 0n;
    const pending = vmcs.get(F.pendingDebug) ?? 0n;
    if (!(event & 0x8000_0000n) && pending === 0n) return;
    const shadow = (vmcs.get(F.interruptibility) ?? 0n) & ~3n;
    vmcs.set(F.interruptibility, event & 0x8000_0000n && ((event >> 8n) & 7n) === 2n ? shadow | 8n : shadow);
    vmcs.set(F.pendingDebug, 0n);
    vmcs.set(F.activity, 0n);
  }

  private corrupt(): void {
    if (!this.wantsCorruption) return;
    this.wantsCorruption = false;
    this.isTainted = true;
    const { mailbox } = this.monitor;
    const places = [Mailbox.Request, Mailbox.Status, Mailbox.OutputHead, Mailbox.OutputTail, Mailbox.Kick, Mailbox.InputHead, Mailbox.InputTail, Mailbox.Vcpus + VcpuMailbox.PendingVector,
      Mailbox.Vcpus + VcpuMailbox.PendingNmi, Mailbox.Vcpus + VcpuMailbox.Deadline, Mailbox.Vcpus + VcpuMailbox.ApicBase, Mailbox.Functions + 0x80, Mailbox.Functions + 0x84];
    for (let count = 1 + this.random.below(4); count > 0; count--) {
      const place = this.random.once(2) ? this.random.pick(places) : Mailbox.Frame + 8 * this.random.below(24);
      mailbox.setBigUint64(place, this.random.operand(), true);
      // Power-off is the guest's right, but ends the round.
      if (!this.random.once(16)) mailbox.setUint32(Mailbox.Request, this.random.once(4) ? PartitionRequest.Reset : PartitionRequest.None, true);
    }
  }

  /** The end of what the kernel printed since the last call. */
  takeOutput(): string {
    const text = this.debugConsole.output.slice(-KEPT_OUTPUT);
    this.debugConsole.output = "";
    this.uart.output = "";
    return text;
  }
}
