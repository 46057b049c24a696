// A core that answers no more: it keeps the lock of its partition's monitor, or does not come to the end or restart of its partition.
// The other core ends the partition in bounded time, and does nothing meanwhile that the lock is for.

import { beforeAll, describe, expect, test } from "vitest";
import { LOCAL_VECTOR, Mailbox, VcpuMailbox, VcpuStart } from "../../../monitor/interface.ts";
import { enumReader } from "../machine/source-enums.ts";
import { compileKernel } from "./kernel-machine.ts";
import type { PartitionOptions } from "./kernel-options.ts";
import { TwoCores, vector } from "./two-cores.ts";

const SECOND = 2_000_000_000n; // TSC
/** Time that a look at the clock takes besides, so that half a minute passes soon. */
const SLOW = 2_000_000n;
const IF = 0x202n;
const STOPPED = BigInt(enumReader("kernel/partition/status-page.ts", "PartitionState")("Stopped"));
const SILENT = BigInt(enumReader("kernel/partition/intent.ts", "StopReason")("CoreSilent"));
const AUDIT = /audit: guest0 core (\d) RIP \w+: one of its cores did not answer/g;
const KICK = vector("Kick");
const BUS_MASTER = 4;

beforeAll(compileKernel, 240_000);

async function running(partition: PartitionOptions = {}): Promise<TwoCores> {
  const both = await TwoCores.start({ pci: [{ device: "00:04.0" }], hypercalls: ["console-read"], ...partition });
  both.startSecond();
  for (const core of both.cores) core.registers({ rax: 0n });
  for (const core of both.cores) core.setVmcs({ GUEST_RIP: 0x1000n, GUEST_RFLAGS: IF, GUEST_INTERRUPTIBILITY: 0n });
  both.forgetInterrupts();
  both.first.clock.disturbance = () => SLOW;
  return both;
}

/** The other core runs none of the kernel's code. */
function silence(both: TwoCores): void {
  for (const { processor } of both.cores) processor.onPause = () => {};
}

function record(both: TwoCores, core: number, field: VcpuMailbox, value: number): void {
  both.first.monitor.mailbox.setUint32(Mailbox.Vcpus + core * VcpuMailbox.Size + field, value, true);
}

/** Exits that are for the monitor, and what a core finds in its record before an entry. */
const EXITS: [string, (both: TwoCores, core: number) => void][] = [
  ["IN", (both, core) => both.exit(core, "IO_INSTRUCTION", { EXIT_QUALIFICATION: 0x3f8_0008n })],
  ["REP OUTS", (both, core) => both.exit(core, "IO_INSTRUCTION", { EXIT_QUALIFICATION: 0x3f8_0030n })],
  ["OUT to configuration space", (both, core) => both.exit(core, "IO_INSTRUCTION", { EXIT_QUALIFICATION: 0xcfc_0003n })],
  ["an access to a device's memory", (both, core) => both.exit(core, "EPT_VIOLATION", { GUEST_PHYSICAL_ADDRESS: 0xfee0_0020n, EXIT_QUALIFICATION: 0x181n })],
  ["RDMSR of the local APIC", (both, core) => both.readMsr(core, 0x802)],
  ["WRMSR of the local APIC", (both, core) => both.writeMsr(core, 0x80b, 0n)],
  ["WRMSR of the time-stamp counter", (both, core) => both.writeMsr(core, 0x10, 5n)],
  ["MOV to CR8", (both, core) => both.exit(core, "CONTROL_REGISTER_ACCESS", { EXIT_QUALIFICATION: 8n })],
  ["MOV from CR8", (both, core) => both.exit(core, "CONTROL_REGISTER_ACCESS", { EXIT_QUALIFICATION: 0x18n })],
  ["a task switch", (both, core) => both.exit(core, "TASK_SWITCH", { EXIT_QUALIFICATION: 0x4000_0018n })],
  ["a deadline", (both, core) => both.exit(core, "VMX_PREEMPTION_TIMER")],
  ["a write to a virtualised APIC", (both, core) => both.exit(core, "APIC_WRITE", { EXIT_QUALIFICATION: 0x300n })],
  ["an EOI of a virtualised APIC", (both, core) => both.exit(core, "VIRTUALIZED_EOI", { EXIT_QUALIFICATION: 0x40n })],
  ["VMCALL for input", (both, core) => {
    both.cores[core]!.registers({ rax: 5n });
    both.exit(core, "VMCALL");
  }],
  ["HLT with interrupts off", (both, core) => {
    both.cores[core]!.setVmcs({ GUEST_RFLAGS: 2n });
    both.exit(core, "HLT");
  }],
  ["a notification", (both, core) => both.interrupt(core, vector("PostedInterrupt"))],
  ["a device's message", (both, core) => both.interrupt(core, vector("DeviceFirst"))],
  ["a pending interrupt", (both, core) => both.interrupt(core, KICK)],
  ["a pending INIT", (both, core) => both.interrupt(core, KICK)],
];

/** What lies in the core's record before the exit. */
const PENDING = new Map<string, [VcpuMailbox, number]>([
  ["a pending interrupt", [VcpuMailbox.PendingVector, (LOCAL_VECTOR | 0x55) >>> 0]],
  ["a pending INIT", [VcpuMailbox.Start, VcpuStart.Init]],
]);

describe.each([0, 1])("core %i waits for a lock that the other one keeps", (core) => {
  test.each(EXITS)("%s: the monitor is neither called nor written to, and the partition ends", async (name, exit) => {
    const both = await running();
    silence(both);
    const pending = PENDING.get(name);
    if (pending !== undefined) record(both, core, ...pending);
    both.lock = 1n;
    const { calls, mailbox } = both.first.monitor;
    const look = (): Buffer => Buffer.from(new Uint8Array(mailbox.buffer, 0, mailbox.byteLength));
    const [before, called, started] = [look(), calls.length, both.first.clock.now];
    exit(both, core);
    expect(look().equals(before)).toBe(true);
    expect([calls.length - called, both.lock]).toEqual([0, 1n]);
    expect([both.status("State"), both.status("Reason")]).toEqual([STOPPED, SILENT]);
    const seconds = (both.first.clock.now - started) / SECOND;
    // The first vCPU's core waits for the others for a second, the other one longer for the first one's.
    expect(seconds).toBeGreaterThanOrEqual(core === 0 ? 2n : 30n);
    expect(seconds).toBeLessThan(core === 0 ? 4n : 36n);
    if (core === 1) both.deliver(1); // core 0 comes back, prints, and finds its partition ended
    expect([...both.text.matchAll(AUDIT)].map(([, number]) => number)).toEqual([String(core)]);
    expect(both.text).toContain("summary: guest0: cores 0, 1, 8 MiB, one of its cores did not answer, restarts 0, violations 2");
    expect([both.places[0], both.lock]).toEqual(["halt", 1n]);
  });
});

describe("a lock that becomes free", () => {
  test.each([0, 1])("in time: core %i goes on as if nothing had been", async (core) => {
    const both = await running();
    both.lock = 1n;
    const limit = both.first.clock.now + SECOND / 2n;
    both.cores[core]!.processor.onPause = () => {
      if (both.first.clock.now > limit) both.lock = 0n;
    };
    const before = both.first.monitor.calls.length;
    both.readMsr(core, 0x802);
    expect(both.first.monitor.calls.slice(before).map(({ name }) => name)).toEqual(["msrRead"]);
    expect([both.places[core], both.lock, both.status("Wish"), both.text.match(AUDIT)]).toEqual(["guest", 0n, 0n, null]);
  });

  test("too late: the partition fails, and restarts as its policy says once all are there", async () => {
    const both = await running({ health: { fault: "restart" } });
    both.lock = 1n;
    const limit = both.first.clock.now + (3n * SECOND) / 2n;
    both.first.processor.onPause = () => {
      if (both.first.clock.now < limit) return;
      both.lock = 0n;
      both.deliver(0);
    };
    both.readMsr(0, 0x802);
    expect(both.text.match(AUDIT)).toHaveLength(1);
    expect(both.text).toContain("partition guest0: one of its cores did not answer");
    expect([both.places[0], both.status("Restarts"), both.status("State")]).toEqual(["guest", 1n, 1n]);
    both.deliver(0);
    both.startSecond();
    both.readMsr(1, 0x802);
    expect([both.places, both.lock]).toEqual([["guest", "guest"], 0n]);
  });
});

describe("a restart that one core does not come to", () => {
  test("the second vCPU's: after a second of kicks the partition ends, its device is taken back, and the core parks when it comes back", async () => {
    const both = await running({ health: { fault: "restart" } });
    both.first.memory.write(0xb000_0000 + 0x20 * 4096 + 4, 2, 6n);
    silence(both);
    const started = both.first.clock.now;
    both.exit(0, "TRIPLE_FAULT");
    expect([both.places[0], both.status("Reason")]).toEqual(["halt", SILENT]);
    expect(both.first.clock.now - started).toBeLessThan(2n * SECOND);
    expect([...both.text.matchAll(AUDIT)].map(([, number]) => number)).toEqual(["0"]);
    expect(both.text).toContain("one of its cores did not answer, restarts 0, violations 2");
    expect(both.first.disk.bytes.readUInt16LE(4) & BUS_MASTER).toBe(0);
    const kicks = both.takeInterrupts(0);
    expect(kicks.length).toBeGreaterThan(2);
    expect(new Set(kicks)).toEqual(new Set([KICK]));
    both.interrupt(1, KICK);
    expect(both.places[1]).toBe("idle");
  });

  test("the first vCPU's: the second one's core ends the partition after half a minute, and the first one's does not restart it", async () => {
    const both = await running({ health: { fault: "restart" } });
    silence(both);
    both.exit(1, "TRIPLE_FAULT");
    expect([both.places[1], both.status("State"), both.status("Reason")]).toEqual(["idle", STOPPED, SILENT]);
    const starts = both.first.monitor.calls.filter(({ name }) => name === "start").length;
    both.deliver(1);
    expect([both.places[0], both.first.monitor.calls.filter(({ name }) => name === "start").length]).toEqual(["halt", starts]);
    expect(both.text).toContain("partition guest0 stopped: one of its cores did not answer");
    expect(both.text).not.toContain("partition guest0 restarts");
  });

  test("the first vCPU's takes its time: the restart counts all the same", async () => {
    const both = await running({ health: { fault: "restart" } });
    silence(both);
    const limit = both.first.clock.now + 20n * SECOND;
    both.second.processor.onPause = () => {
      if (both.first.clock.now > limit && both.places[0] === "guest" && both.status("FaultRestarts") === 1n && both.text.indexOf("restarts") < 0) both.deliver(1);
    };
    both.exit(1, "TRIPLE_FAULT");
    expect(both.text).toContain("partition guest0 restarts");
    expect([both.places, both.secondIs("Waiting"), both.status("State")]).toEqual([["guest", "idle"], true, 1n]);
    expect(both.text.match(AUDIT)).toBeNull();
  });
});
