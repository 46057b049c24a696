// I/O instruction exits: register merge rules, open bus, string instructions, and what comes with a monitor call.

import { beforeEach, describe, expect, test } from "vitest";
import { AccessStatus, Mailbox, PartitionRequest, VcpuFrame } from "../../../monitor/interface.ts";
import { Stopped } from "../machine/machine.ts";
import type { HealthActionName } from "../../../scripts/policy/schema.ts";
import { KernelMachine, startedKernel } from "./kernel-machine.ts";

const RAX = 0x1122_3344_5566_7788n;
const IN = 1n << 3n;
const STRING = 1n << 4n;
const REP = 1n << 5n;

let machine: KernelMachine;
beforeEach(async () => {
  machine = await startedKernel();
  machine.setVmcs({ GUEST_RIP: 0x1000n });
}, 240_000);

async function withHealth(port: HealthActionName): Promise<void> {
  machine = await startedKernel({ partitions: [{ health: { port } }] });
  machine.setVmcs({ GUEST_RIP: 0x1000n });
}

/** SDM 3C table 28-5. */
function qualification(port: number, size: number, flags = 0n): bigint {
  return BigInt(size - 1) | flags | (BigInt(port) << 16n);
}

function io(port: number, size: number, flags = 0n): number {
  machine.registers({ rax: RAX });
  return machine.exit("IO_INSTRUCTION", { EXIT_QUALIFICATION: qualification(port, size, flags), VM_EXIT_INSTRUCTION_LENGTH: 1n });
}

const audited = (): string[] => machine.lines.filter((line) => line.includes("audit: "));

describe("IN and OUT", () => {
  test.each([
    [1, 0x1122_3344_5566_77d4n],
    [2, 0x1122_3344_5566_c3d4n],
    [4, 0xa1b2_c3d4n],
  ])("IN of %i bytes merges as the processor does", (size, expected) => {
    machine.answer("portRead", () => 0xa1b2_c3d4);
    expect(io(0x3f8, size, IN)).toBe(0);
    expect(machine.register("rax")).toBe(expected);
    expect(machine.monitorCalls("portRead")).toEqual([[0, 0x3f8, size]]);
    expect(machine.vmcs("GUEST_RIP")).toBe(0x1001n);
  });

  test.each([[1, 0x88], [2, 0x7788], [4, 0x5566_7788]])("OUT of %i bytes passes just these", (size, value) => {
    machine.answer("portWrite", () => undefined);
    io(0xcfc, size);
    expect(machine.monitorCalls("portWrite")).toEqual([[0, 0xcfc, size, value]]);
    expect(machine.register("rax")).toBe(RAX);
    expect(machine.vmcs("GUEST_RIP")).toBe(0x1001n);
  });

  test("ends the interrupt shadow of the instruction before", () => {
    machine.answer("portWrite", () => undefined);
    machine.setVmcs({ GUEST_INTERRUPTIBILITY: 2n });
    io(0x80, 1);
    expect(machine.vmcs("GUEST_INTERRUPTIBILITY")).toBe(0n);
  });

  test("an access that the device refuses is #GP and no violation", () => {
    machine.answer("portRead", () => 0, AccessStatus.GeneralProtection);
    io(0x3f8, 4, IN);
    expect(machine.event).toEqual({ vector: 13, type: 3, errorCode: 0n });
    expect(machine.vmcs("GUEST_RIP")).toBe(0x1000n);
    expect(audited()).toEqual([]);
  });

  test("the machine's own port is never touched", () => {
    machine.answer("portWrite", () => undefined, AccessStatus.OpenBus);
    machine.answer("portRead", () => 0, AccessStatus.OpenBus);
    const before = machine.ports.writes.filter(({ port }) => port === 0xcf9 || port === 0x8900).length;
    for (const port of [0xcf9, 0x8900]) {
      io(port, 1);
      io(port, 1, IN);
    }
    expect(machine.ports.writes.filter(({ port }) => port === 0xcf9 || port === 0x8900).length).toBe(before);
  });
});

describe("a port that no device of the partition has", () => {
  beforeEach(() => scriptOpenBus());

  function scriptOpenBus(): void {
    machine.answer("portRead", () => 0xffff_ffff, AccessStatus.OpenBus);
    machine.answer("portWrite", () => undefined, AccessStatus.OpenBus);
  }

  test("ignore, the default: all ones of the access's size, one audit line for each port and direction", () => {
    io(0x92, 1, IN);
    expect(machine.register("rax")).toBe(0x1122_3344_5566_77ffn);
    io(0x64, 4, IN);
    expect(machine.register("rax")).toBe(0xffff_ffffn);
    io(0x92, 2);
    io(0x92, 1, IN);
    expect(machine.event).toBeUndefined();
    expect(machine.vmcs("GUEST_RIP")).toBe(0x1004n);
    expect(audited()).toEqual([
      "[bulkhead] audit: guest0 core 0 RIP 0x0000000000001000: read 1 byte at port 0x0092",
      "[bulkhead] audit: guest0 core 0 RIP 0x0000000000001001: read 4 bytes at port 0x0064",
      "[bulkhead] audit: guest0 core 0 RIP 0x0000000000001002: wrote 2 bytes at port 0x0092",
    ]);
  });

  test("inject-fault: #GP(0), the register unchanged", async () => {
    await withHealth("inject-fault");
    scriptOpenBus();
    io(0x92, 1, IN);
    expect(machine.event).toEqual({ vector: 13, type: 3, errorCode: 0n });
    expect(machine.register("rax")).toBe(RAX);
    expect(machine.vmcs("GUEST_RIP")).toBe(0x1000n);
    expect(audited()).toHaveLength(1);
  });

  test("restart and stop", async () => {
    await withHealth("restart");
    scriptOpenBus();
    expect(io(0x92, 1, IN)).toBe(1);
    expect(machine.vmcs("GUEST_RIP")).toBe(0x10_0000n);
    await withHealth("stop");
    scriptOpenBus();
    expect(() => io(0x8900, 1)).toThrow(Stopped);
    expect(machine.lines.join("\n")).toContain("partition guest0 stopped: stopped after a violation");
  });
});

describe("INS and OUTS", () => {
  const frame = (offset: number): bigint => machine.monitor.mailbox.getBigUint64(Mailbox.Frame + offset, true);
  const setFrame = (offset: number, value: bigint): void => machine.monitor.mailbox.setBigUint64(Mailbox.Frame + offset, value, true);

  function string(flags: bigint): void {
    machine.registers({ rsi: 0x5000n, rcx: 4n });
    machine.exit("IO_INSTRUCTION", {
      EXIT_QUALIFICATION: qualification(0x3f8, 1, STRING | flags), VM_EXIT_INSTRUCTION_INFORMATION: 0x1_8100n, GUEST_LINEAR_ADDRESS: 0x5000n,
    });
  }

  test("the monitor gets the registers and the decoded operands", () => {
    machine.setVmcs({ GUEST_RSP: 0x7ff0n, GUEST_RFLAGS: 0x246n, GUEST_CR3: 0x9000n });
    let lent: bigint[] = [];
    machine.answer("portString", () => {
      lent = [frame(8 * 6), frame(8 * 4), frame(8), frame(VcpuFrame.Rip), frame(VcpuFrame.Rflags), frame(VcpuFrame.Cr3)];
      return undefined;
    });
    string(REP);
    expect(machine.monitorCalls("portString")).toEqual([[0, 0x3f8, 1, 1, 1, 0x1_8100]]);
    expect(lent).toEqual([0x5000n, 0x7ff0n, 4n, 0x1000n, 0x246n, 0x9000n]);
    string(IN);
    expect(machine.monitorCalls("portString").at(-1)).toEqual([0, 0x3f8, 1, 0, 0, 0x1_8100]);
  });

  test("registers, RIP and arithmetic flags are taken back, other flags are not", () => {
    machine.setVmcs({ GUEST_RFLAGS: 0x202n, GUEST_INTERRUPTIBILITY: 1n });
    machine.answer("portString", () => {
      setFrame(8 * 6, 0x5004n);
      setFrame(8, 0n);
      setFrame(VcpuFrame.Rip, 0x1003n);
      setFrame(VcpuFrame.Rflags, 0x3_7cd7n); // IOPL, VM and TF must not come through
      return undefined;
    });
    string(REP);
    expect([machine.register("rsi"), machine.register("rcx"), machine.vmcs("GUEST_RIP")]).toEqual([0x5004n, 0n, 0x1003n]);
    expect(machine.vmcs("GUEST_RFLAGS")).toBe(0x2d7n | 0x800n);
    expect(machine.vmcs("GUEST_INTERRUPTIBILITY")).toBe(0n);
  });

  test("memory that the guest does not map is its own #PF, with CR2 and error code", () => {
    machine.answer("portString", () => {
      setFrame(VcpuFrame.LinearAddress, 0xffff_8880_0000_1000n);
      setFrame(VcpuFrame.CodeMode, (14n << 32n) | 2n);
      return undefined;
    }, AccessStatus.GuestFault);
    string(IN);
    expect(machine.event).toEqual({ vector: 14, type: 3, errorCode: 2n });
    expect(machine.processor.cr2).toBe(0xffff_8880_0000_1000n);
    expect(machine.vmcs("GUEST_RIP")).toBe(0x1000n);
  });

  test("open bus is a violation that the health action answers", async () => {
    machine.answer("portString", () => void setFrame(VcpuFrame.Rip, 0x1002n), AccessStatus.OpenBus);
    string(IN);
    expect(machine.vmcs("GUEST_RIP")).toBe(0x1002n);
    expect(audited()).toHaveLength(1);
    await withHealth("inject-fault");
    machine.answer("portString", () => void setFrame(VcpuFrame.Rip, 0x1002n), AccessStatus.OpenBus);
    string(IN);
    expect(machine.vmcs("GUEST_RIP")).toBe(0x1000n);
    expect(machine.event?.vector).toBe(13);
  });
});

describe("what comes with a monitor call", () => {
  function onWrite(effect: (mailbox: DataView) => void): void {
    machine.answer("portWrite", () => void effect(machine.monitor.mailbox));
  }

  test("output is printed under the partition's name", () => {
    onWrite((mailbox) => {
      Buffer.from("hello\n").forEach((byte, i) => mailbox.setUint8(Mailbox.OutputRing + i, byte));
      mailbox.setUint32(Mailbox.OutputHead, 6, true);
    });
    io(0x3f8, 1);
    expect(machine.lines.at(-1)).toBe("[guest0] hello");
    expect(machine.monitor.mailbox.getUint32(Mailbox.OutputTail, true)).toBe(6);
  });

  test("a ring that claims more than it holds is read once around", () => {
    onWrite((mailbox) => {
      for (let i = 0; i < 1024; i++) mailbox.setUint8(Mailbox.OutputRing + i, i % 64 === 63 ? 0x0a : 0x61);
      mailbox.setUint32(Mailbox.OutputHead, 0x8000_0000, true);
    });
    io(0x3f8, 1);
    expect(machine.lines.filter((line) => line.startsWith("[guest0] aaa"))).toHaveLength(16);
    expect(machine.monitor.mailbox.getUint32(Mailbox.OutputTail, true)).toBe(0x8000_0000);
  });

  test("a request to reset launches the partition anew, as often as it likes", () => {
    onWrite((mailbox) => mailbox.setUint32(Mailbox.Request, PartitionRequest.Reset, true));
    for (let reset = 0; reset < 10; reset++) {
      expect(io(0xcf9, 1)).toBe(1);
      expect(machine.vmcs("GUEST_RIP")).toBe(0x10_0000n);
      expect(machine.monitor.mailbox.getUint32(Mailbox.Request, true)).toBe(0);
    }
  });

  test("a request to power off stops the partition, and the machine's summary follows", () => {
    onWrite((mailbox) => mailbox.setUint32(Mailbox.Request, PartitionRequest.PowerOff, true));
    expect(() => io(0x604, 2)).toThrow(Stopped);
    const text = machine.lines.join("\n");
    expect(text).toContain("partition guest0 stopped: powered off");
    expect(text).toContain("summary: no partition runs any more");
    expect(text).toContain("summary: guest0: exits I/O 1");
    expect(machine.ports.writes.some(({ port }) => port === 0x604)).toBe(false);
  });
});
