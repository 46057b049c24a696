// A task switch in the kernel: what the monitor is lent, and what of the new task is taken back.

import { beforeEach, describe, expect, test } from "vitest";
import { AccessStatus, Mailbox, SegmentFrame, TASK_EXTERNAL, TaskSegment, VcpuFrame } from "../../../monitor/interface.ts";
import { KernelMachine, startedKernel } from "./kernel-machine.ts";

const NO_ERROR_CODE = 0xffff_ffff_ffff_ffffn;
const VALID = 0x8000_0000n;
const RIP = 0x1000n;
const NMI_BLOCKING = 8n;
const STI_SHADOW = 1n;
const SEGMENT_FIELDS = ["ES", "CS", "SS", "DS", "FS", "GS", "LDTR", "TR"];

const enum Source { Call = 0x0000_0020, Iret = 0x4000_0020, Gate = 0xc000_0020 }

let machine: KernelMachine;
let lentRip: bigint;

/** Answers as a monitor that has switched: the value of each field tells its place. */
function newTask(fault = 0n): void {
  const { mailbox } = machine.monitor;
  machine.answer("taskSwitch", () => {
    lentRip = mailbox.getBigUint64(Mailbox.Frame + VcpuFrame.Rip, true);
    mailbox.setBigUint64(Mailbox.Frame + VcpuFrame.Rip, 0x5000n, true);
    mailbox.setBigUint64(Mailbox.Frame + VcpuFrame.Rflags, 0x4002n, true);
    mailbox.setBigUint64(Mailbox.Frame + VcpuFrame.Cr3, 0x7000n, true);
    mailbox.setBigUint64(Mailbox.Frame + VcpuFrame.CodeMode, fault, true);
    mailbox.setBigUint64(Mailbox.Frame + VcpuFrame.Registers, 0xaaaan, true);
    SEGMENT_FIELDS.forEach((_name, segment) => {
      mailbox.setUint32(Mailbox.Selectors + segment * 4, 0x100 + segment * 8, true);
      mailbox.setBigUint64(Mailbox.Segments + segment * SegmentFrame.Size, BigInt(0x10000 * (segment + 1)), true);
      mailbox.setUint32(Mailbox.Segments + segment * SegmentFrame.Size + SegmentFrame.Limit, 0x1000 + segment, true);
      mailbox.setUint32(Mailbox.Segments + segment * SegmentFrame.Size + SegmentFrame.Rights, 0x90 + segment, true);
    });
  });
}

beforeEach(async () => {
  machine = await startedKernel();
  machine.setVmcs({ GUEST_RIP: RIP, GUEST_RFLAGS: 0x202n, GUEST_CR0: 0x8000_0031n, GUEST_CR3: 0x3000n, GUEST_DR7: 0x7ffn, GUEST_INTERRUPTIBILITY: STI_SHADOW });
  newTask();
}, 240_000);

test("all of the new task is taken, translations are flushed, CR0.TS is set, local breakpoints end", () => {
  const flushes = (): number => machine.processor.vmxCalls.filter((call) => call.name === "invvpid").length;
  const before = flushes();
  machine.exit("TASK_SWITCH", { EXIT_QUALIFICATION: BigInt(Source.Call), VM_EXIT_INSTRUCTION_LENGTH: 7n });
  expect(machine.monitorCalls("taskSwitch")).toEqual([[0, Number(Source.Call), NO_ERROR_CODE]]);
  expect(lentRip).toBe(RIP + 7n);
  expect(["GUEST_RIP", "GUEST_RFLAGS", "GUEST_CR0", "GUEST_CR3", "GUEST_DR7", "GUEST_INTERRUPTIBILITY"].map((name) => machine.vmcs(name))).toEqual([
    0x5000n, 0x4002n, 0x8000_0039n, 0x7000n, 0x6aan, 0n,
  ]);
  expect(machine.register("rax")).toBe(0xaaaan);
  SEGMENT_FIELDS.forEach((name, segment) => {
    const fields = ["SELECTOR", "BASE", "LIMIT", "ACCESS_RIGHTS"].map((field) => Number(machine.vmcs(`GUEST_${name}_${field}`)));
    expect(fields, name).toEqual([0x100 + segment * 8, 0x10000 * (segment + 1), 0x1000 + segment, 0x90 + segment]);
  });
  expect(flushes()).toBe(before + 1);
  expect(machine.event).toBeUndefined();
});

test("the monitor gets LDTR, TR, GDTR and the selectors", () => {
  machine.setVmcs({ GUEST_TR_SELECTOR: 0x18n, GUEST_TR_BASE: 0x9000n, GUEST_GDTR_BASE: 0x8000n, GUEST_GDTR_LIMIT: 0x3fn });
  const seen: number[] = [];
  const { mailbox } = machine.monitor;
  machine.answer("taskSwitch", () => {
    const record = (segment: TaskSegment): number => Mailbox.Segments + segment * SegmentFrame.Size;
    seen.push(mailbox.getUint32(Mailbox.Selectors + TaskSegment.Task * 4, true), mailbox.getUint32(record(TaskSegment.Task), true));
    seen.push(mailbox.getUint32(record(TaskSegment.Gdt), true), mailbox.getUint32(record(TaskSegment.Gdt) + SegmentFrame.Limit, true));
  }, AccessStatus.Undecodable);
  machine.exit("TASK_SWITCH", { EXIT_QUALIFICATION: BigInt(Source.Call) });
  expect(seen).toEqual([0x18, 0x9000, 0x8000, 0x3f]);
});

describe("by a task gate, the old task goes on", () => {
  test.each<[string, bigint, bigint, bigint, number]>([
    ["behind INT n", 0x8000_0430n, 2n, NO_ERROR_CODE, 0],
    ["behind INT3", 0x8000_0603n, 2n, NO_ERROR_CODE, 0],
    ["behind INT1", 0x8000_0501n, 2n, NO_ERROR_CODE, 0],
    ["at a fault, whose error code is passed on", 0x8000_0b0dn, 0n, 0x1234n, TASK_EXTERNAL],
    ["where an interrupt came", 0x8000_0040n, 0n, NO_ERROR_CODE, TASK_EXTERNAL],
    ["where an NMI came", 0x8000_0202n, 0n, NO_ERROR_CODE, TASK_EXTERNAL],
  ])("%s", (_name, vectoring, length, errorCode, external) => {
    machine.exit("TASK_SWITCH", { EXIT_QUALIFICATION: BigInt(Source.Gate), IDT_VECTORING_INFORMATION: vectoring, IDT_VECTORING_ERROR_CODE: 0x1234n });
    expect(lentRip).toBe(RIP + length);
    expect(machine.monitorCalls("taskSwitch")[0]?.slice(1)).toEqual([(Source.Gate | external) >>> 0, errorCode]);
  });

  test("an NMI blocks NMIs until the IRET", () => {
    machine.exit("TASK_SWITCH", { EXIT_QUALIFICATION: BigInt(Source.Gate), IDT_VECTORING_INFORMATION: VALID | 0x202n });
    expect(machine.vmcs("GUEST_INTERRUPTIBILITY")).toBe(NMI_BLOCKING);
    machine.exit("TASK_SWITCH", { EXIT_QUALIFICATION: BigInt(Source.Iret) });
    expect(machine.vmcs("GUEST_INTERRUPTIBILITY")).toBe(0n);
  });
});

test("a fault in the new task is injected there", () => {
  newTask((10n << 32n) | 0x28n);
  machine.exit("TASK_SWITCH", { EXIT_QUALIFICATION: BigInt(Source.Call) });
  expect(machine.event).toEqual({ vector: 10, type: 3, errorCode: 0x28n });
  expect(machine.vmcs("GUEST_RIP")).toBe(0x5000n);
});
