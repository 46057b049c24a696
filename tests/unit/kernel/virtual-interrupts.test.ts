// The kernel's part of local APICs that the processor virtualises: controls by capability and mode, what a vCPU enters with, exits.

import { readdirSync } from "node:fs";
import path from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { Mailbox, VcpuMailbox, VcpuSignal, VIRTUAL_APIC_BASE, VirtualApicMode, VirtualApicPage } from "../../../monitor/interface.ts";
import { projectDirectory } from "../../../scripts/policy/project.ts";
import { readProfile } from "./capabilities.ts";
import { compileKernel, field, type KernelMachine, startedKernel } from "./kernel-machine.ts";

const PROFILES = readdirSync(path.join(projectDirectory, "tests/fixtures/capabilities")).map((file) => file.replace(/\.json$/, ""));
const WITHOUT_KERNEL = ["nehalem-lynnfield", "westmere-clarkdale", "sandy-bridge-e", "kvm-nested-cloud"];
/** Processors of the fixtures with virtual-interrupt delivery; those after the first have posted interrupts too. */
const WITH_DELIVERY = ["bochs-skylake-x", "kvm-nested-cascade-lake", "kvm-nested-sapphire-rapids", "kvm-nested-skylake", "sapphire-rapids", "skylake-x", "skylake-x-microcode"];
const SERVER = "skylake-x";
const BOCHS = "bochs-skylake-x";

const TPR_SHADOW = 1n << 21n;
const CR8_EXITING = 3n << 19n;
const ACCESSES = 1n << 0n;
const X2APIC = 1n << 4n;
const REGISTERS = 1n << 8n;
const DELIVERY = 1n << 9n;
const APIC_CONTROLS = ACCESSES | X2APIC | REGISTERS | DELIVERY;
const POSTING = 1n << 7n;
const NOTIFICATION = 0xf2;
const ICR = 0x830;
const IF = 0x202n;
const PPR = 0xa0;
const TMR = 0x180;
const VECTOR = 0x61;
const ON = "apic-virtualisation=on";

/** What a monitor call leaves behind: mode and signals, and the status that the kernel then asks for. */
function signal(machine: KernelMachine, mode: VirtualApicMode, signals: number, status = 0): void {
  machine.answer("interruptStatus", () => {
    machine.pend({ vector: 0 });
    return status;
  });
  machine.monitor.mailbox.setUint32(Mailbox.Vcpus + VcpuMailbox.ApicMode, mode, true);
  machine.pend({ vector: signals });
  machine.exit("INIT_SIGNAL");
}

async function inMode(mode: VirtualApicMode, profile = SERVER, commandLine = ""): Promise<KernelMachine> {
  const machine = await startedKernel({ profile: readProfile(profile), commandLine });
  machine.setVmcs({ GUEST_RIP: 0x1000n, GUEST_RFLAGS: IF, GUEST_INTERRUPTIBILITY: 0n });
  signal(machine, mode, VcpuSignal.InterruptStatus | VcpuSignal.TriggerModes);
  return machine;
}

const controls = (machine: KernelMachine): bigint[] => [machine.vmcs("PRIMARY_CONTROLS") & (TPR_SHADOW | CR8_EXITING), machine.vmcs("SECONDARY_CONTROLS") & APIC_CONTROLS];

beforeAll(compileKernel, 240_000);

describe("what the processor is asked to do", () => {
  test.each(PROFILES.filter((name) => !WITHOUT_KERNEL.includes(name)))("%s", async (name) => {
    const machine = await inMode(VirtualApicMode.Page, name, ON);
    const has = WITH_DELIVERY.includes(name);
    expect(machine.lines.join("\n")).toContain(has ? "local APICs: virtualised by the processor: registers, virtual-interrupt delivery, x2APIC" : "local APICs: by software, as the processor has no virtual-interrupt delivery");
    expect(controls(machine)).toEqual(has ? [TPR_SHADOW, ACCESSES | REGISTERS | DELIVERY] : [CR8_EXITING, 0n]);
    const posts = has && name !== BOCHS;
    expect([(machine.vmcs("PIN_BASED_CONTROLS") & POSTING) !== 0n, machine.lines.join("\n").includes(", posted interrupts")]).toEqual([posts, posts]);
  });

  test.each([
    [VirtualApicMode.Software, [CR8_EXITING, 0n]],
    [VirtualApicMode.Page, [TPR_SHADOW, ACCESSES | REGISTERS | DELIVERY]],
    [VirtualApicMode.Registers, [TPR_SHADOW, X2APIC | REGISTERS | DELIVERY]],
  ])("in mode %i, and no more after it", async (mode, expected) => {
    const machine = await inMode(mode);
    expect(controls(machine)).toEqual(expected);
    signal(machine, VirtualApicMode.Software, VcpuSignal.InterruptStatus);
    expect(controls(machine)).toEqual([CR8_EXITING, 0n]);
  });

  test("apic-virtualisation=off leaves it to the monitor, who is told so", async () => {
    const machine = await inMode(VirtualApicMode.Page, SERVER, "apic-virtualisation=off");
    expect(machine.lines.join("\n")).toContain("local APICs: by software, as the command line asks");
    expect(controls(machine)).toEqual([CR8_EXITING, 0n]);
    expect(machine.monitor.mailbox.getUint32(Mailbox.ApicFeatures, true)).toBe(0);
  });

  test("without posted interrupts it is left to the monitor unless the command line asks: Bochs delivers with interrupts closed", async () => {
    const machine = await inMode(VirtualApicMode.Page, BOCHS);
    expect(machine.lines.join("\n")).toContain("local APICs: by software, as the processor has no posted interrupts");
    expect(controls(machine)).toEqual([CR8_EXITING, 0n]);
    expect(machine.monitor.mailbox.getUint32(Mailbox.ApicFeatures, true)).toBe(0);
  });

  test.each([3, 7, 0xffff_ffff])("a monitor that asks for mode %i gets none", async (mode) => {
    expect(controls(await inMode(mode))).toEqual([CR8_EXITING, 0n]);
  });

  test("windows that are open stay so", async () => {
    const machine = await inMode(VirtualApicMode.Page);
    machine.setVmcs({ PRIMARY_CONTROLS: machine.vmcs("PRIMARY_CONTROLS") | (1n << 22n) });
    signal(machine, VirtualApicMode.Registers, VcpuSignal.InterruptStatus);
    expect((machine.vmcs("PRIMARY_CONTROLS") >> 22n) & 1n).toBe(1n);
  });
});

describe("what the guest reaches", () => {
  const HIGH = 0xc000_0000;
  const granted = (machine: KernelMachine, index: number, write: boolean): boolean => {
    const bitmap = Number(machine.vmcs("MSR_BITMAP")) + (write ? 0x800 : 0) + (index >= HIGH ? 0x400 : 0);
    return ((Number(machine.memory.read(bitmap + ((index & 0x1fff) >> 3), 1)) >> (index & 7)) & 1) === 0;
  };
  const all = (machine: KernelMachine, write: boolean): number[] =>
    [0, HIGH].flatMap((first) => Array.from({ length: 0x2000 }, (_, i) => first + i)).filter((index) => granted(machine, index, write));
  const range = (first: number, last: number): number[] => Array.from({ length: last - first + 1 }, (_, i) => first + i);

  test("x2APIC mode alone adds MSRs, and only those that the processor answers from the page", async () => {
    const machine = await inMode(VirtualApicMode.Page);
    const [reads, writes] = [all(machine, false), all(machine, true)];
    for (const list of [reads, writes]) expect(list.filter((index) => index >= 0x800 && index < 0x900)).toEqual([]);
    signal(machine, VirtualApicMode.Registers, VcpuSignal.InterruptStatus);
    const added = [0x802, 0x803, 0x808, 0x80a, 0x80d, 0x80f, ...range(0x810, 0x828), ...range(0x832, 0x838), 0x83e];
    expect(all(machine, false)).toEqual([...reads, ...added].sort((a, b) => a - b));
    expect(all(machine, true)).toEqual([...writes, 0x808, 0x80b, 0x83f].sort((a, b) => a - b));
  });

  test("xAPIC mode alone maps the APIC-access page: an empty frame of the partition's own, which no core maps writable", async () => {
    const machine = await inMode(VirtualApicMode.Page);
    const FRAME = 0x000f_ffff_ffff_f000n;
    const leaf = (root: bigint): bigint => {
      let table = root & FRAME;
      for (const shift of [39n, 30n, 21n, 12n]) {
        const entry = machine.memory.read(Number(table) + Number((0xfee0_0000n >> shift) & 511n) * 8, 8);
        if ((entry & 7n) === 0n || shift === 12n) return entry;
        table = entry & FRAME;
      }
      return 0n;
    };
    const page = machine.vmcs("APIC_ACCESS_ADDRESS");
    expect(leaf(machine.vmcs("EPT_POINTER"))).toBe(page | 0x33n);
    expect(machine.memory.readBytes(Number(page), 4096).every((byte) => byte === 0)).toBe(true);
    for (const mode of [VirtualApicMode.Registers, VirtualApicMode.Software]) {
      signal(machine, mode, VcpuSignal.InterruptStatus);
      expect(leaf(machine.vmcs("EPT_POINTER")) & 7n).toBe(0n);
    }
  });

  test("the virtual-APIC page is that of the vCPU in its own monitor's memory", async () => {
    const machine = await inMode(VirtualApicMode.Page);
    const MONITOR = 0x38n;
    const monitor = machine.memory.read(Number(machine.plan + 4096n + MONITOR), 8);
    expect(machine.vmcs("VIRTUAL_APIC_ADDRESS")).toBe(monitor + 4096n + BigInt(VIRTUAL_APIC_BASE));
  });
});

describe("before an entry", () => {
  test("RVI and SVI are what the monitor says; nothing is injected", async () => {
    const machine = await inMode(VirtualApicMode.Page);
    signal(machine, VirtualApicMode.Page, VcpuSignal.InterruptStatus, 0x4561);
    expect(machine.vmcs("GUEST_INTERRUPT_STATUS")).toBe(0x4561n);
    expect([machine.event, machine.monitorCalls("acknowledge").length]).toEqual([undefined, 0]);
  });

  test("an interrupt of the PIC pair is injected beside it", async () => {
    const machine = await inMode(VirtualApicMode.Page);
    machine.answer("acknowledge", () => 0x20);
    signal(machine, VirtualApicMode.Page, VcpuSignal.InterruptStatus | 0x20, VECTOR);
    expect(machine.event).toEqual({ vector: 0x20, type: 0 });
    expect(machine.vmcs("GUEST_INTERRUPT_STATUS")).toBe(BigInt(VECTOR));
  });

  test("the EOI of vectors that TMR has exits, and of no others", async () => {
    const machine = await inMode(VirtualApicMode.Page);
    for (const vector of [0x31, 0x61, 0xef]) machine.monitor.mailbox.setUint32(VIRTUAL_APIC_BASE + TMR + (vector >> 5) * 16, 1 << (vector & 31), true);
    signal(machine, VirtualApicMode.Page, VcpuSignal.InterruptStatus | VcpuSignal.TriggerModes);
    const bitmaps = [0, 1, 2, 3].map((word) => machine.processor.vmcs.get(field("EOI_EXIT_BITMAP0") + 2 * word));
    expect(bitmaps).toEqual([1n << 0x31n, 1n << 0x21n, 0n, 1n << 0x2fn]);
  });

  describe("on a processor that does not look at RVI then (Bochs)", () => {
    let machine: KernelMachine;
    const setPriority = (value: number): void => machine.monitor.mailbox.setUint32(VIRTUAL_APIC_BASE + PPR, value, true);
    beforeAll(async () => {
      machine = await inMode(VirtualApicMode.Page, BOCHS, ON);
      machine.answer("acknowledge", () => VECTOR);
    }, 240_000);

    test("the kernel delivers, once the guest can take it", () => {
      machine.setVmcs({ GUEST_RFLAGS: 2n });
      signal(machine, VirtualApicMode.Page, VcpuSignal.InterruptStatus, VECTOR);
      expect(machine.event).toBeUndefined();
      machine.setVmcs({ GUEST_RFLAGS: IF });
      machine.answer("interruptStatus", () => VECTOR << 8);
      machine.exit("INTERRUPT_WINDOW");
      expect(machine.event).toEqual({ vector: VECTOR, type: 0 });
      expect(machine.vmcs("GUEST_INTERRUPT_STATUS")).toBe(BigInt(VECTOR << 8));
    });

    test("not below the processor priority", () => {
      setPriority(0x60);
      machine.setVmcs({ GUEST_INTERRUPT_STATUS: BigInt(VECTOR) });
      machine.exit("INIT_SIGNAL");
      expect(machine.event).toBeUndefined();
      setPriority(0x50);
      machine.exit("INIT_SIGNAL");
      expect(machine.event).toEqual({ vector: VECTOR, type: 0 });
    });
  });
});

describe("posted interrupts", () => {
  const page = (offset: number): number => VIRTUAL_APIC_BASE + offset;
  const PIR = page(VirtualApicPage.Descriptor);
  const CONTROL = page(VirtualApicPage.DescriptorControl);
  const notifications = (machine: KernelMachine): number => machine.processor.msrWrites.filter(({ index, value }) => index === ICR && (value & 0xffn) === BigInt(NOTIFICATION)).length;
  /** A monitor call that leaves `vectors` to be posted to the vCPUs of `mask`. */
  const post = (machine: KernelMachine, vectors: number[], mask = 1): void => {
    for (const vector of vectors) machine.monitor.mailbox.setUint32(page(VirtualApicPage.Posted + (vector >> 5) * 16), 1 << (vector & 31), true);
    machine.monitor.mailbox.setUint32(Mailbox.Kick, mask << 8, true);
    machine.exit("APIC_WRITE", { EXIT_QUALIFICATION: 0x300n });
  };
  const words = (machine: KernelMachine): number[] => Array.from({ length: 8 }, (_, word) => machine.monitor.mailbox.getUint32(PIR + 4 * word, true));

  test("the descriptor lies in the vCPU's page, and its vector is the kernel's", async () => {
    const machine = await inMode(VirtualApicMode.Page);
    expect(machine.vmcs("POSTED_INTERRUPT_DESCRIPTOR")).toBe(machine.vmcs("VIRTUAL_APIC_ADDRESS") + BigInt(VirtualApicPage.Descriptor));
    expect(machine.vmcs("POSTED_INTERRUPT_DESCRIPTOR") & 63n).toBe(0n);
    expect(machine.vmcs("POSTED_INTERRUPT_VECTOR")).toBe(BigInt(NOTIFICATION));
  });

  test("are added to the descriptor, with one notification until the processor has taken them", async () => {
    const machine = await inMode(VirtualApicMode.Page);
    post(machine, [0x31, 0xef]);
    expect([words(machine), machine.monitor.mailbox.getUint32(CONTROL, true), notifications(machine)]).toEqual([[0, 1 << 0x11, 0, 0, 0, 0, 0, 1 << 15], 1, 1]);
    expect(machine.monitor.mailbox.getUint32(page(VirtualApicPage.Posted + 0x10), true)).toBe(0);
    post(machine, [0x32]);
    expect([words(machine)[1], notifications(machine)]).toEqual([3 << 0x11, 1]);
    machine.monitor.mailbox.setUint32(CONTROL, 0, true);
    post(machine, [0x33]);
    expect(notifications(machine)).toBe(2);
  });

  test("a monitor cannot have cores notified that are not its partition's", async () => {
    const machine = await inMode(VirtualApicMode.Page);
    post(machine, [0x31], 0xfe);
    expect([words(machine).every((word) => word === 0), notifications(machine)]).toEqual([true, 0]);
  });

  test("a notification that comes while no vCPU runs has the status fetched", async () => {
    const machine = await inMode(VirtualApicMode.Page);
    const before = machine.monitorCalls("interruptStatus").length;
    machine.exit("EXTERNAL_INTERRUPT", { VM_EXIT_INTERRUPTION_INFORMATION: BigInt(0x8000_0000 + NOTIFICATION) });
    expect(machine.monitorCalls("interruptStatus").length).toBe(before + 1);
  });
});

describe("exits", () => {
  test("an APIC access goes to the decoder with the address in the page", async () => {
    const machine = await inMode(VirtualApicMode.Page);
    machine.answer("memoryAccess", () => undefined);
    machine.exit("APIC_ACCESS", { EXIT_QUALIFICATION: 0x0390n });
    machine.exit("APIC_ACCESS", { EXIT_QUALIFICATION: 0x1040n });
    expect(machine.monitorCalls("memoryAccess")).toEqual([[0, 0xfee0_0390n, 0], [0, 0xfee0_0040n, 1]]);
  });

  test.each([["a fetch", 2n], ["an event's delivery", 3n], ["a page walk", 15n]])("%s from the page is a violation", async (_name, type) => {
    const machine = await startedKernel({ profile: readProfile(SERVER), partitions: [{ health: { memory: "inject-fault" } }] });
    machine.exit("APIC_ACCESS", { EXIT_QUALIFICATION: type << 12n });
    expect(machine.event?.vector).toBe(13);
    expect(machine.monitorCalls("memoryAccess")).toEqual([]);
  });

  test("an APIC write and a virtualised EOI go to the monitor, and RIP stays", async () => {
    const machine = await inMode(VirtualApicMode.Page);
    machine.exit("APIC_WRITE", { EXIT_QUALIFICATION: 0x300n });
    machine.exit("VIRTUALIZED_EOI", { EXIT_QUALIFICATION: BigInt(VECTOR) });
    expect([machine.monitorCalls("apicWrite"), machine.monitorCalls("apicEndOfInterrupt")]).toEqual([[[0, 0x300]], [[0, VECTOR]]]);
    expect(machine.vmcs("GUEST_RIP")).toBe(0x1000n);
  });
});
