// Virtualised local APICs on two cores: that both can, what one posts to the other, and what a restart leaves of it.

import { beforeAll, describe, expect, test } from "vitest";
import { ApicFeature, LOCAL_VECTOR, Mailbox, VcpuMailbox, VcpuSignal, VcpuStart, VIRTUAL_APIC_BASE, VirtualApicMode, VirtualApicPage } from "../../../monitor/interface.ts";
import { Stopped } from "../machine/machine.ts";
import { enumReader } from "../machine/source-enums.ts";
import { readProfile } from "./capabilities.ts";
import { compileKernel, KernelMachine, type KernelModules, startedKernel } from "./kernel-machine.ts";

const fixed = enumReader("kernel/memory/layout.ts", "Fixed");
const reason = enumReader("kernel/boot/fatal.ts", "FatalReason");
const SERVER = "skylake-x";
const NOTIFICATION = 0xf2;
const ICR = 0x830;
const VECTOR = 0x61;
const WORD = VECTOR >> 5;
const BIT = 1 << (VECTOR & 31);
const IF = 0x202n;
const PPR = 0xa0;
const ISR = 0x100;
const IRR = 0x200;
const POSTED = ApicFeature.Posted;

let module: KernelModules;
beforeAll(async () => {
  module = await compileKernel();
}, 240_000);

/** Core 0 in its partition, and core 1 beside it, on a processor of its own. */
function twoCores(secondProfile = readProfile(SERVER)): { first: KernelMachine; second: KernelMachine } {
  const options = { profile: readProfile(SERVER), cores: 2, partitions: [{ cores: [0, 1] }] };
  const first = new KernelMachine(module, options);
  expect(first.boot(), first.debugConsole.output).toBe("enterGuest");
  const second = new KernelMachine(module, { ...options, profile: secondProfile }, { coreId: 1, apicId: 1, memory: first.memory, clock: first.clock });
  second.view.setBigUint64(fixed("Plan"), first.plan, true);
  second.onIdle = () => {
    throw new Stopped("idle");
  };
  second.monitor.mailbox = first.monitor.mailbox;
  return { first, second };
}

const page = (vcpu: number, offset: number): number => VIRTUAL_APIC_BASE + vcpu * 4096 + offset;
const record = (vcpu: number, offset: number): number => Mailbox.Vcpus + vcpu * VcpuMailbox.Size + offset;
const word = (machine: KernelMachine, offset: number): number => machine.monitor.mailbox.getUint32(offset, true);
const setWord = (machine: KernelMachine, offset: number, value: number): void => machine.monitor.mailbox.setUint32(offset, value, true);
const notifications = (machine: KernelMachine): bigint[] =>
  machine.processor.msrWrites.filter(({ index, value }) => index === ICR && (value & 0xffn) === BigInt(NOTIFICATION)).map(({ value }) => value >> 32n);

test("a core that cannot do what core 0 decided on ends the system, and says what", () => {
  const without = readProfile(SERVER);
  without.msrs.set("IA32_VMX_TRUE_PINBASED_CTLS", without.msrs.get("IA32_VMX_TRUE_PINBASED_CTLS")! & ~(1n << 39n));
  const { first, second } = twoCores(without);
  expect(second.run(() => second.kernel.bootApplication())).toBe("halt");
  expect(first.debugConsole.output + second.debugConsole.output).toMatch(
    new RegExp(`fatal ${reason("ProcessorUnsuitable")} on core 1: .*\\s+.*without core 0's virtualisation of local APICs, ApicFeature 0x0*${POSTED}\\b`),
  );
});

describe("posting from one core to the other", () => {
  /** Both in the guest; core 1 comes after core 0 has released it. */
  function running(): { first: KernelMachine; second: KernelMachine } {
    const both = twoCores();
    const { first, second } = both;
    setWord(first, record(1, VcpuMailbox.Start), VcpuStart.Sipi);
    setWord(first, record(1, VcpuMailbox.ApicMode), VirtualApicMode.Page);
    setWord(first, record(1, VcpuMailbox.PendingVector), VcpuSignal.InterruptStatus | VcpuSignal.TriggerModes);
    first.monitor.mailbox.setBigUint64(record(1, VcpuMailbox.Deadline), 0xffff_ffff_ffff_ffffn, true);
    let status = 0;
    second.answer("interruptStatus", () => {
      setWord(second, record(1, VcpuMailbox.PendingVector), 0);
      return status;
    });
    expect(second.run(() => second.kernel.bootApplication()), second.debugConsole.output).toBe("enterGuest");
    second.setVmcs({ GUEST_RFLAGS: IF, GUEST_INTERRUPTIBILITY: 0n });
    second.exit("INIT_SIGNAL");
    status = VECTOR;
    return both;
  }

  test("fills the other vCPU's descriptor, which its VMCS names, and notifies its core alone", () => {
    const { first, second } = running();
    setWord(first, page(1, VirtualApicPage.Posted + WORD * 16), BIT);
    setWord(first, Mailbox.Kick, 1 << (8 + 1));
    first.exit("APIC_WRITE", { EXIT_QUALIFICATION: 0x300n });
    expect([word(first, page(1, VirtualApicPage.Descriptor + 4 * WORD)), word(first, page(1, VirtualApicPage.DescriptorControl)), word(first, page(0, VirtualApicPage.DescriptorControl))]).toEqual([BIT, 1, 0]);
    expect([notifications(first), notifications(second)]).toEqual([[1n], []]);
    expect(second.vmcs("POSTED_INTERRUPT_DESCRIPTOR")).toBe(second.vmcs("VIRTUAL_APIC_ADDRESS") + BigInt(VirtualApicPage.Descriptor));
  });

  test("a vCPU that the notification found outside the guest, asleep or not, enters with the vector in RVI", () => {
    const { second } = running();
    second.setVmcs({ GUEST_ACTIVITY_STATE: 1n });
    second.exit("EXTERNAL_INTERRUPT", { VM_EXIT_INTERRUPTION_INFORMATION: BigInt(0x8000_0000 + NOTIFICATION) });
    expect([second.vmcs("GUEST_INTERRUPT_STATUS"), second.monitorCalls("interruptStatus").at(-1)]).toEqual([BigInt(VECTOR), [1]]);
    // HLT stays: a virtual interrupt that is recognised at the entry wakes from it (SDM 3C 30.2.2).
    expect([second.event, second.vmcs("GUEST_ACTIVITY_STATE")]).toEqual([undefined, 1n]);
  });
});

test("a restart leaves nothing of what was posted, requested or in service", async () => {
  const machine = await startedKernel({ profile: readProfile(SERVER), partitions: [{ health: { fault: "restart" } }] });
  const start = machine.monitor.answers.get("start")!;
  machine.monitor.answers.set("start", () => {
    const result = start();
    setWord(machine, record(0, VcpuMailbox.ApicMode), VirtualApicMode.Page);
    machine.pend({ vector: VcpuSignal.InterruptStatus | VcpuSignal.TriggerModes });
    return result;
  });
  machine.answer("interruptStatus", () => {
    machine.pend({ vector: 0 });
    return 0;
  });
  setWord(machine, record(0, VcpuMailbox.ApicMode), VirtualApicMode.Page);
  machine.pend({ vector: VcpuSignal.InterruptStatus });
  machine.exit("INIT_SIGNAL");
  machine.setVmcs({ GUEST_INTERRUPT_STATUS: 0x4561n, EOI_EXIT_BITMAP0: 1n });
  setWord(machine, page(0, VirtualApicPage.Descriptor + 4 * WORD), BIT);
  setWord(machine, page(0, VirtualApicPage.DescriptorControl), 1);
  machine.exit("TRIPLE_FAULT");
  machine.exit("INIT_SIGNAL");
  expect([word(machine, page(0, VirtualApicPage.Descriptor + 4 * WORD)), word(machine, page(0, VirtualApicPage.DescriptorControl))]).toEqual([0, 0]);
  expect([machine.vmcs("GUEST_INTERRUPT_STATUS"), machine.vmcs("EOI_EXIT_BITMAP0")]).toEqual([0n, 0n]);
});

describe("a local APIC in software", () => {
  async function pending(vector: number): Promise<KernelMachine> {
    const machine = await startedKernel();
    machine.setVmcs({ GUEST_RFLAGS: IF, GUEST_INTERRUPTIBILITY: 0n });
    machine.answer("acknowledge", () => {
      machine.pend({ vector: 0 });
      return VECTOR;
    });
    setWord(machine, page(0, IRR + WORD * 16), BIT | 1);
    machine.pend({ vector });
    machine.exit("INIT_SIGNAL");
    expect(machine.event).toEqual({ vector: VECTOR, type: 0 });
    return machine;
  }

  test("LOCAL_VECTOR: the kernel moves its interrupt from IRR to ISR without a call", async () => {
    const machine = await pending(LOCAL_VECTOR | VECTOR);
    expect(machine.monitorCalls("acknowledge")).toEqual([]);
    expect([IRR, ISR].map((map) => word(machine, page(0, map + WORD * 16)))).toEqual([1, BIT]);
    expect([word(machine, page(0, PPR)), word(machine, record(0, VcpuMailbox.PendingVector))]).toEqual([VECTOR & 0xf0, 0]);
  });

  test("without it the monitor is asked, as for the PIC pair", async () => {
    const machine = await pending(VECTOR);
    expect(machine.monitorCalls("acknowledge")).toEqual([[0]]);
    expect([IRR, ISR].map((map) => word(machine, page(0, map + WORD * 16)))).toEqual([BIT | 1, 0]);
  });
});
