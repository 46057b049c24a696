// EPT violations: device pages, memory that is not the partition's, and violations in the middle of event delivery.

import { beforeEach, describe, expect, test } from "vitest";
import { AccessStatus, Mailbox, SEGMENT_ACCESS, SegmentFrame, TaskSegment, VcpuFrame, VcpuMailbox } from "../../../monitor/interface.ts";
import { Stopped } from "../machine/machine.ts";
import type { HealthActionName } from "../../../scripts/policy/schema.ts";
import { KernelMachine, startedKernel } from "./kernel-machine.ts";
import type { PartitionOptions } from "./kernel-options.ts";

const LOCAL_APIC_EOI = 0xfee0_00b0n;
const IO_APIC = 0xfec0_0010n;
const FOREIGN = 0x1_2345_6000n;

// Exit qualification, SDM 3C table 28-7.
const READ = 1n << 0n;
const WRITE = 1n << 1n;
const FETCH = 1n << 2n;
const LINEAR_VALID = 1n << 7n;
const TRANSLATED = 1n << 8n;
const NMI_UNBLOCKING = 1n << 12n;

const GENERAL_PROTECTION = { vector: 13, type: 3, errorCode: 0n };

let machine: KernelMachine;
async function start(partition: PartitionOptions = {}): Promise<void> {
  machine = await startedKernel({ partitions: [partition] });
  machine.setVmcs({ GUEST_RIP: 0x1000n });
  machine.answer("memoryAccess", () => setFrame(VcpuFrame.Rip, 0x1003n), AccessStatus.OpenBus);
}
beforeEach(() => start(), 120_000);

const withHealth = (memory: HealthActionName, fault: "restart" | "stop" = "stop"): Promise<void> => start({ health: { memory, fault } });
const frame = (offset: number): bigint => machine.monitor.mailbox.getBigUint64(Mailbox.Frame + offset, true);
function setFrame(offset: number, value: bigint): undefined {
  machine.monitor.mailbox.setBigUint64(Mailbox.Frame + offset, value, true);
}

function violate(gpa: bigint, qualification: bigint, fields: Record<string, bigint> = {}): number {
  return machine.exit("EPT_VIOLATION", { GUEST_PHYSICAL_ADDRESS: gpa, EXIT_QUALIFICATION: qualification, ...fields });
}

/** IDT-vectoring information of an event in delivery; type as in SDM 3C table 25-19. */
const delivering = (vector: number, type: number): Record<string, bigint> => ({ IDT_VECTORING_INFORMATION: BigInt((0x8000_0000 | (type << 8) | vector) >>> 0) });
const audited = (): string[] => machine.lines.filter((line) => line.includes("audit: ")).map((line) => line.replace(/^.*RIP 0x[0-9a-f]+: /, ""));

describe("device pages", () => {
  beforeEach(() => machine.answer("memoryAccess", () => setFrame(VcpuFrame.Rip, 0x1003n)));

  test.each([["local APIC", LOCAL_APIC_EOI], ["I/O APIC", IO_APIC]])("an access to the %s goes to the monitor and is no violation", (_name, gpa) => {
    expect(violate(gpa, WRITE)).toBe(0);
    violate(gpa, READ);
    expect(machine.monitorCalls("memoryAccess")).toEqual([[0, gpa, 1], [0, gpa, 0]]);
    expect(machine.vmcs("GUEST_RIP")).toBe(0x1003n);
    expect(machine.event).toBeUndefined();
    expect(audited()).toEqual([]);
  });

  test("a local APIC that the guest has moved goes to the monitor, and so does the place that it left", () => {
    machine.monitor.mailbox.setBigUint64(Mailbox.Vcpus + VcpuMailbox.ApicBase, 0x4200_0900n, true);
    violate(0x4200_0030n, READ);
    violate(LOCAL_APIC_EOI, WRITE);
    expect(machine.monitorCalls("memoryAccess")).toEqual([[0, 0x4200_0030n, 0], [0, LOCAL_APIC_EOI, 1]]);
    expect(audited()).toEqual([]);
  });

  test("the monitor gets the vCPU's state and gives back general registers", () => {
    machine.setVmcs({
      GUEST_CS_ACCESS_RIGHTS: 0xa09bn, GUEST_SS_ACCESS_RIGHTS: 0xc0f3n, GUEST_IA32_EFER: 0x500n, GUEST_CR0: 0x8000_0031n,
      CR0_READ_SHADOW: 0x8000_0011n, GUEST_CR3: 0x4000n, GUEST_CR4: 0x2020n, GUEST_RFLAGS: 0x202n, GUEST_RSP: 0x7000n,
    });
    let lent: Record<string, bigint> = {};
    machine.answer("memoryAccess", () => {
      lent = { mode: frame(VcpuFrame.CodeMode), efer: frame(VcpuFrame.Efer), cr0: frame(VcpuFrame.Cr0), r9: frame(9 * 8) };
      setFrame(9 * 8, 0x99n);
      setFrame(4 * 8, 0x7008n);
      setFrame(VcpuFrame.Rip, 0x1006n);
      return setFrame(VcpuFrame.Cr3, 0xbad000n);
    });
    machine.registers({ r9: 0x77n });
    violate(LOCAL_APIC_EOI, READ);
    expect(lent).toEqual({ mode: 1n | (3n << 2n), efer: 0x500n, cr0: 0x8000_0011n, r9: 0x77n });
    expect([machine.register("r9"), machine.vmcs("GUEST_RSP"), machine.vmcs("GUEST_RIP")]).toEqual([0x99n, 0x7008n, 0x1006n]);
    expect(machine.vmcs("GUEST_CR3")).toBe(0x4000n);
  });

  test("a page that the guest does not map is its own #PF", () => {
    machine.answer("memoryAccess", () => {
      setFrame(VcpuFrame.LinearAddress, 0x40_0ffen);
      return setFrame(VcpuFrame.CodeMode, (14n << 32n) | 4n);
    }, AccessStatus.GuestFault);
    violate(LOCAL_APIC_EOI, WRITE);
    expect(machine.event).toEqual({ vector: 14, type: 3, errorCode: 4n });
    expect(machine.processor.cr2).toBe(0x40_0ffen);
    expect(machine.vmcs("GUEST_RIP")).toBe(0x1000n);
  });

  describe("an instruction on a segment register", () => {
    const GP = 13n << 32n;
    const record = (segment: number): number => Mailbox.Segments + segment * SegmentFrame.Size;
    const lent = (segment: number): bigint => machine.monitor.mailbox.getBigUint64(record(segment), true);
    let lentGdt: bigint;

    /** What the monitor answers to the second call, which has all segments. */
    function answer(status: AccessStatus): void {
      machine.answer("memoryAccess", () => undefined, AccessStatus.NeedsSegments);
      machine.answer("taskSwitch", () => {
        lentGdt = lent(TaskSegment.Gdt);
        machine.monitor.mailbox.setUint32(Mailbox.Selectors + 4 * 4, 0x4b, true); // FS
        machine.monitor.mailbox.setBigUint64(record(4), 0x7000n, true);
        if (status === AccessStatus.GuestFault) setFrame(VcpuFrame.CodeMode, GP | 0x48n);
        return setFrame(VcpuFrame.Rip, 0x1003n);
      }, status);
      machine.setVmcs({ GUEST_GDTR_BASE: 0x9000n, GUEST_FS_SELECTOR: 0n, GUEST_FS_BASE: 0n, GUEST_CR0: 0x8000_0031n, GUEST_CR3: 0x3000n });
    }

    test("is carried out with all of them lent, and they are taken back", () => {
      answer(AccessStatus.Done);
      violate(IO_APIC, READ);
      expect(machine.monitorCalls("taskSwitch")).toEqual([[0, SEGMENT_ACCESS, IO_APIC]]);
      expect(lentGdt).toBe(0x9000n);
      // No task was switched: CR0.TS and CR3 stay.
      expect(["GUEST_RIP", "GUEST_FS_SELECTOR", "GUEST_FS_BASE", "GUEST_CR0", "GUEST_CR3"].map((name) => machine.vmcs(name))).toEqual([0x1003n, 0x4bn, 0x7000n, 0x8000_0031n, 0x3000n]);
      expect([machine.event, audited()]).toEqual([undefined, []]);
    });

    test("that faults leaves the registers", () => {
      answer(AccessStatus.GuestFault);
      violate(IO_APIC, READ);
      expect(["GUEST_RIP", "GUEST_FS_SELECTOR", "GUEST_FS_BASE"].map((name) => machine.vmcs(name))).toEqual([0x1000n, 0n, 0n]);
      expect(machine.event).toEqual({ ...GENERAL_PROTECTION, errorCode: 0x48n });
    });

    test("that the monitor cannot carry out either is a violation", () => {
      answer(AccessStatus.Undecodable);
      violate(IO_APIC, READ);
      expect(machine.vmcs("GUEST_FS_SELECTOR")).toBe(0n);
      expect(machine.event).toEqual(GENERAL_PROTECTION);
      expect(audited()).toHaveLength(1);
    });
  });

  test("an instruction that the monitor cannot decode is a violation", () => {
    machine.answer("memoryAccess", () => setFrame(VcpuFrame.Rip, 0x1003n), AccessStatus.Undecodable);
    violate(LOCAL_APIC_EOI, WRITE);
    expect(machine.event).toEqual(GENERAL_PROTECTION);
    expect(machine.vmcs("GUEST_RIP")).toBe(0x1000n);
    expect(audited()).toEqual(["wrote guest-physical 0x0000fee000b0, which is not its memory"]);
  });

  test("code does not run from a device page", () => {
    violate(LOCAL_APIC_EOI, FETCH);
    expect(machine.monitorCalls("memoryAccess")).toEqual([]);
    expect(machine.event).toEqual(GENERAL_PROTECTION);
    expect(audited()).toEqual(["executed at guest-physical 0x0000fee000b0, which is not its memory"]);
  });

  test("page tables do not lie on a device page: the instruction is not carried out in their place", () => {
    violate(LOCAL_APIC_EOI, READ | LINEAR_VALID);
    expect(machine.monitorCalls("memoryAccess")).toEqual([]);
    expect(machine.event).toEqual(GENERAL_PROTECTION);
    expect(audited()).toEqual(["read guest-physical 0x0000fee000b0, which is not its memory"]);
    violate(LOCAL_APIC_EOI, READ | LINEAR_VALID | TRANSLATED);
    expect(machine.monitorCalls("memoryAccess")).toHaveLength(1);
  });

  test("without the device in the policy its page is nobody's", async () => {
    await start({ devices: ["io-apic"], health: { memory: "inject-fault" } });
    violate(LOCAL_APIC_EOI, READ);
    expect(machine.event).toEqual(GENERAL_PROTECTION);
    expect(audited()).toHaveLength(1);
    violate(IO_APIC, READ);
    expect(machine.monitorCalls("memoryAccess")).toEqual([[0, IO_APIC, 0]]);
  });
});

describe("memory that is not the partition's", () => {
  test("ignore, the default: the monitor carries the access out on an open bus, with one audit line a page and kind", () => {
    violate(FOREIGN, READ);
    violate(FOREIGN + 8n, READ);
    violate(FOREIGN, WRITE);
    expect(machine.event).toBeUndefined();
    expect(machine.vmcs("GUEST_RIP")).toBe(0x1003n);
    expect(machine.monitorCalls("memoryAccess")).toHaveLength(3);
    expect(audited()).toEqual([
      "read guest-physical 0x000123456000, which is not its memory",
      "wrote guest-physical 0x000123456000, which is not its memory",
    ]);
  });

  test("inject-fault: #GP(0) at the instruction", async () => {
    await withHealth("inject-fault");
    violate(FOREIGN, WRITE);
    expect(machine.event).toEqual(GENERAL_PROTECTION);
    expect(machine.vmcs("GUEST_RIP")).toBe(0x1000n);
    expect(machine.monitorCalls("memoryAccess")).toEqual([]);
  });

  test("page tables in memory that is not the partition's cannot be ignored", () => {
    violate(FOREIGN, READ | LINEAR_VALID);
    expect(machine.monitorCalls("memoryAccess")).toEqual([]);
    expect(machine.event).toEqual(GENERAL_PROTECTION);
  });

  test("an instruction fetch cannot be ignored", () => {
    violate(FOREIGN, FETCH);
    expect(machine.event).toEqual(GENERAL_PROTECTION);
    expect(machine.monitorCalls("memoryAccess")).toEqual([]);
  });

  test("restart and stop", async () => {
    await withHealth("restart");
    expect(violate(FOREIGN, READ)).toBe(1);
    expect(machine.vmcs("GUEST_RIP")).toBe(0x10_0000n);
    await withHealth("stop");
    expect(() => violate(FOREIGN, READ)).toThrow(Stopped);
    expect(machine.lines.join("\n")).toContain("partition guest0 stopped: stopped after a violation");
  });
});

describe("in the middle of event delivery", () => {
  test("the access cannot be carried out, not even on a device page", () => {
    violate(LOCAL_APIC_EOI, WRITE, delivering(0x30, 0));
    violate(FOREIGN, WRITE, delivering(0x80, 4));
    expect(machine.monitorCalls("memoryAccess")).toEqual([]);
    expect(machine.event).toEqual(GENERAL_PROTECTION);
    expect(audited()).toHaveLength(2);
  });

  test.each([
    ["an external interrupt", 0x30, 0, 13],
    ["an NMI", 2, 2, 13],
    ["INT 80h", 0x80, 4, 13],
    ["INT 13, a software interrupt with the vector of #GP", 13, 4, 13],
    ["#BP", 3, 6, 13],
    ["#UD", 6, 3, 13],
    ["#DB", 1, 3, 13],
    ["#DE", 0, 3, 8],
    ["#TS", 10, 3, 8],
    ["#NP", 11, 3, 8],
    ["#SS", 12, 3, 8],
    ["#GP", 13, 3, 8],
    ["#PF", 14, 3, 8],
  ])("a violation while %s is delivered", (_name, vector, type, raised) => {
    violate(FOREIGN, WRITE, delivering(vector, type));
    expect(machine.event).toEqual({ vector: raised, type: 3, errorCode: 0n });
  });

  test("a violation while #DF is delivered is a triple fault", async () => {
    await withHealth("ignore", "restart");
    expect(violate(FOREIGN, WRITE, delivering(8, 3))).toBe(1);
    expect(machine.lines.join("\n")).toContain("partition guest0: triple fault");
    await withHealth("ignore", "stop");
    expect(() => violate(FOREIGN, WRITE, delivering(8, 3))).toThrow(Stopped);
    expect(machine.lines.join("\n")).toContain("partition guest0 stopped: triple fault");
  });
});

describe("an IRET that faulted after it unblocked NMIs", () => {
  beforeEach(() => machine.setVmcs({ GUEST_INTERRUPTIBILITY: 0n }));

  test("blocks them again for its second try", () => {
    violate(FOREIGN, READ | NMI_UNBLOCKING);
    expect(machine.vmcs("GUEST_INTERRUPTIBILITY") & 8n).toBe(8n);
  });

  test("the bit means nothing while an event is delivered", () => {
    violate(FOREIGN, READ | NMI_UNBLOCKING, delivering(0x30, 0));
    expect(machine.vmcs("GUEST_INTERRUPTIBILITY") & 8n).toBe(0n);
  });
});

test("a misconfigured EPT ends the partition and shows its VMCS", () => {
  expect(() => machine.exit("EPT_MISCONFIGURATION", { GUEST_PHYSICAL_ADDRESS: 0x1000n })).toThrow(Stopped);
  expect(machine.lines).toContain("[bulkhead]   GUEST_PHYSICAL_ADDRESS = 0x0000000000001000");
  expect(machine.lines).toContain("[bulkhead] partition guest0 stopped: VM entry failed");
});
