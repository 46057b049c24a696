// Two cores of one partition on one machine: two kernel instances over the same physical memory and the same monitor, which is monitor.wasm.
// Interrupts between them wait until a test delivers them. A core that sleeps or waits for the other in root mode ends its run with "idle";
// an interrupt has it come to its partition again, where what the cores share says how far it was.

import { ImageKind } from "../../../monitor/interface.ts";
import { compileEntry } from "../machine/compile.ts";
import { leafAt } from "../machine/page-walker.ts";
import { Stopped } from "../machine/machine.ts";
import { enumReader } from "../machine/source-enums.ts";
import { makeElf } from "../monitor/loader/images.ts";
import { type DeviceMachine, type DeviceOptions, startedWithDevices } from "./assignment-machine.ts";
import { tablesOf } from "./device-cores.ts";
import { compileKernel, KernelMachine } from "./kernel-machine.ts";
import type { PartitionOptions } from "./kernel-options.ts";

export const vector = enumReader("drivers/vectors.ts", "HostVector");
const fixed = enumReader("kernel/memory/layout.ts", "Fixed");
const planPartition = enumReader("kernel/partition/plan.ts", "PlanPartition");
const statusPage = enumReader("kernel/partition/status-page.ts", "StatusPage");
const vcpuState = enumReader("kernel/partition/status-page.ts", "VcpuState");

const KERNEL_MEMORY = 0xffff_9000_0000_0000n;
/** IA32_APIC_BASE and the interrupt command register of x2APIC mode. */
const APIC_BASE = 0x1b;
const ENABLED_X2APIC = 0xfee0_0c00n;
const COMMAND = 0x830;
const RIP = 0x1000n;

/** Where a core is: in the guest, asleep in root mode, or at its end. */
export type Place = "guest" | "idle" | "halt";

export class TwoCores {
  readonly cores: readonly [DeviceMachine, KernelMachine];
  readonly places: Place[] = ["guest", "idle"];

  private constructor(readonly first: DeviceMachine, readonly second: KernelMachine) {
    this.cores = [first, second];
  }

  /** The first core in the guest, the second one where it waits for its SIPI. */
  static async start(partition: PartitionOptions = {}, options: Partial<DeviceOptions> = {}): Promise<TwoCores> {
    const system: DeviceOptions = {
      cores: 2, commandLine: "apic-virtualisation=off", monitor: await compileEntry("monitor/main.ts", "monitor"), image: { kind: ImageKind.Pvh, bytes: makeElf() },
      ...options, partitions: [{ cores: [0, 1], memory: "8 MiB", ...partition }],
    };
    const first = await startedWithDevices(system);
    const { memory, clock, monitor } = first;
    const second = new KernelMachine(await compileKernel(), system, { coreId: 1, apicId: 1, memory, clock, monitorHost: monitor });
    second.onIdle = () => {
      throw new Stopped("idle");
    };
    const frame = leafAt(tablesOf(first, 1), KERNEL_MEMORY)!.to;
    second.view.setBigUint64(fixed("Plan"), memory.read(Number(frame) + fixed("Plan"), 8), true);
    const both = new TwoCores(first, second);
    second.processor.onPause = () => {
      if (both.secondIs("Resting")) throw new Stopped("idle");
    };
    both.join(1);
    first.setVmcs({ GUEST_RIP: RIP });
    both.forgetInterrupts();
    return both;
  }

  /** What a core's way to its partition, or to sleep, ends with. */
  join(core: number): void {
    this.run(core, () => this.cores[core]!.kernel.bootApplication());
  }

  /** An exit of a core's guest. */
  exit(core: number, reason: string, fields: Record<string, bigint> = {}): void {
    if (this.places[core] !== "guest") throw new Error(`core ${core} runs no guest: ${this.places[core]}`);
    this.run(core, () => this.cores[core]!.exit(reason, fields));
  }

  private run(core: number, work: () => void): void {
    const end = this.cores[core]!.run(work);
    this.places[core] = end === "enterGuest" || end === "" ? "guest" : (end as Place);
  }

  /** Vectors that a core has sent to the other one, and to nobody else, since the last call. */
  takeInterrupts(from: number): number[] {
    const commands = this.cores[from]!.localApic.commands.splice(0);
    const strangers = commands.filter(({ apicId, command }) => apicId !== 1 - from || (command & 0xf_ff00) !== 0x4000);
    if (strangers.length > 0) throw new Error(`core ${from} sent ${JSON.stringify(strangers)}`);
    return commands.map(({ command }) => command & 0xff);
  }

  forgetInterrupts(): void {
    for (const { localApic } of this.cores) localApic.commands.length = 0;
  }

  /** Delivers what a core has sent: an exit of the other's guest, or the end of its sleep. */
  deliver(from: number): number[] {
    const vectors = this.takeInterrupts(from);
    for (const one of vectors) {
      if (this.places[1 - from] === "guest") this.interrupt(1 - from, one);
      else if (this.places[1 - from] === "idle") this.join(1 - from);
    }
    return vectors;
  }

  /** An interrupt of the machine while a core's guest runs. */
  interrupt(core: number, number: number): void {
    this.exit(core, "EXTERNAL_INTERRUPT", { VM_EXIT_INTERRUPTION_INFORMATION: 0x8000_0000n | BigInt(number) });
  }

  /** Has a core's guest write its APIC's command register: `command` with the other vCPU as its destination. */
  command(core: number, command: number): void {
    this.writeMsr(core, APIC_BASE, ENABLED_X2APIC | (core === 0 ? 0x100n : 0n));
    this.writeMsr(core, COMMAND, (BigInt(1 - core) << 32n) | BigInt(command));
  }

  writeMsr(core: number, index: number, value: bigint): void {
    this.cores[core]!.registers({ rcx: BigInt(index), rax: value & 0xffff_ffffn, rdx: value >> 32n });
    this.exit(core, "WRMSR");
  }

  readMsr(core: number, index: number): void {
    this.cores[core]!.registers({ rcx: BigInt(index) });
    this.exit(core, "RDMSR");
  }

  /** The second vCPU in the guest, by INIT and SIPI of the first. */
  startSecond(page = 8): void {
    this.command(0, 0x4500);
    this.command(0, 0x4600 | page);
    this.deliver(0);
    if (this.places[1] !== "guest") throw new Error(`the second vCPU did not start: ${this.text}`);
  }

  /** The lock of the partition's monitor. */
  get lock(): bigint {
    return this.status("Lock");
  }

  set lock(value: bigint) {
    this.first.memory.write(this.statusPage + statusPage("Lock"), 4, value);
  }

  /** A u32 of the partition's status page. */
  status(name: string, index = 0): bigint {
    return this.first.memory.read(this.statusPage + statusPage(name) + 4 * index, 4);
  }

  /** Name of what the second vCPU's core does. */
  secondIs(name: string): boolean {
    return this.status("Vcpus", 1) === BigInt(vcpuState(name));
  }

  private get statusPage(): number {
    return Number(this.first.memory.read(Number(this.first.plan) + 4096 + planPartition("Status"), 8));
  }

  /** What both cores have put on the console: core 0 prints for all. */
  get text(): string {
    return this.first.text;
  }
}
