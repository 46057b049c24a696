// What the kernel lends the monitor of the vCPU's segments, and the faults that come back.

import { beforeEach, describe, expect, test } from "vitest";
import { AccessStatus, Mailbox, SegmentFrame, VcpuFrame } from "../../../monitor/interface.ts";
import { KernelMachine, startedKernel } from "./kernel-machine.ts";

const IO_APIC = 0xfec0_0010n;
const SEGMENTS = ["ES", "CS", "SS", "DS", "FS", "GS"] as const;
const STALE = 0x5a5a_5a5a_5a5a_5a5an;
const RF = 1n << 16n;
const STACK_FAULT = 12n;
const GENERAL_PROTECTION = 13n;
const PAGE_FAULT = 14n;

let machine: KernelMachine;

beforeEach(async () => {
  machine = await startedKernel();
  machine.setVmcs({ GUEST_RIP: 0x1000n });
}, 240_000);

const setFrame = (offset: number, value: bigint): void => machine.monitor.mailbox.setBigUint64(Mailbox.Frame + offset, value, true);

interface Lent {
  base: bigint;
  limit: number;
  rights: number;
}

/** The segments as the monitor finds them in its call. */
function lend(fields: Record<string, bigint>): Lent[] {
  SEGMENTS.forEach((name, number) => {
    machine.setVmcs({ [`GUEST_${name}_BASE`]: BigInt(number + 1) << 12n, [`GUEST_${name}_LIMIT`]: BigInt(0xff0 + number), [`GUEST_${name}_ACCESS_RIGHTS`]: BigInt(0x93 + number) });
  });
  let lent: Lent[] = [];
  machine.answer("memoryAccess", () => {
    const { mailbox } = machine.monitor;
    lent = SEGMENTS.map((_name, number) => {
      const at = Mailbox.Segments + number * SegmentFrame.Size;
      return { base: mailbox.getBigUint64(at + SegmentFrame.Base, true), limit: mailbox.getUint32(at + SegmentFrame.Limit, true), rights: mailbox.getUint32(at + SegmentFrame.Rights, true) };
    });
    return undefined;
  });
  for (let at = Mailbox.Segments; at < Mailbox.Size; at += 8) machine.monitor.mailbox.setBigUint64(at, STALE, true);
  machine.exit("EPT_VIOLATION", { GUEST_PHYSICAL_ADDRESS: IO_APIC, ...fields });
  return lent;
}

describe("segments", () => {
  test("outside 64-bit code all are lent", () => {
    expect(lend({ GUEST_IA32_EFER: 0n })).toEqual(SEGMENTS.map((_name, number) => ({ base: BigInt(number + 1) << 12n, limit: 0xff0 + number, rights: 0x93 + number })));
  });

  test("in 64-bit code the bases of FS and GS are, and no more", () => {
    const lent = lend({ GUEST_IA32_EFER: 0x500n, GUEST_CS_ACCESS_RIGHTS: 0xa09bn });
    expect(lent.map(({ base }) => base)).toEqual([STALE, STALE, STALE, STALE, 0x5000n, 0x6000n]);
    expect(lent.every(({ limit }) => limit === 0x5a5a_5a5a)).toBe(true);
  });
});

describe("a fault of the guest's own", () => {
  function fault(vector: bigint, errorCode = 0n): void {
    machine.answer("memoryAccess", () => {
      setFrame(VcpuFrame.LinearAddress, 0x1234_5000n);
      return void setFrame(VcpuFrame.CodeMode, (vector << 32n) | errorCode);
    }, AccessStatus.GuestFault);
    machine.exit("EPT_VIOLATION", { GUEST_PHYSICAL_ADDRESS: IO_APIC });
  }

  test.each([
    ["#SS", STACK_FAULT, 0n],
    ["#GP", GENERAL_PROTECTION, 0n],
    ["#PF", PAGE_FAULT, 6n],
    ["#DE, which has no error code,", 0n, undefined],
  ])("%s is injected at the instruction", (_name, vector, errorCode) => {
    const before = machine.processor.cr2;
    fault(vector, errorCode);
    expect(machine.event).toEqual({ vector: Number(vector), type: 3, errorCode });
    expect(machine.processor.cr2).toBe(vector === PAGE_FAULT ? 0x1234_5000n : before);
    expect(machine.vmcs("GUEST_RIP")).toBe(0x1000n);
  });

  test("has no error code in real mode", () => {
    machine.setVmcs({ GUEST_CR0: 0x30n });
    fault(GENERAL_PROTECTION);
    expect(machine.event).toEqual({ vector: 13, type: 3 });
  });
});

test("RF ends with the instruction, RSP and the other registers are taken back", () => {
  machine.setVmcs({ GUEST_RFLAGS: RF | 0x202n, GUEST_RSP: 0x7000n });
  machine.answer("memoryAccess", () => {
    setFrame(8 * 4, 0x7008n);
    setFrame(8 * 15, 0x15n);
    return void setFrame(VcpuFrame.Rip, 0x1003n);
  });
  machine.exit("EPT_VIOLATION", { GUEST_PHYSICAL_ADDRESS: IO_APIC });
  expect([machine.vmcs("GUEST_RFLAGS"), machine.vmcs("GUEST_RSP"), machine.register("r15"), machine.vmcs("GUEST_RIP")]).toEqual([0x202n, 0x7008n, 0x15n, 0x1003n]);
});
