// That the fuzzer's checks see what they are for.

import { expect, test } from "vitest";
import { compileKernel, field } from "../unit/kernel/kernel-machine.ts";
import { compileEntry } from "../unit/machine/compile.ts";
import { refusal } from "./entry-checks.ts";
import { F, SEGMENTS } from "./fields.ts";
import { GuardedMemory } from "./guarded-memory.ts";
import { enterRandomState } from "./guest-state.ts";
import { FuzzMachine } from "./machine.ts";
import { Random } from "./random.ts";
import { USED, useDisk } from "./virtio.ts";
import { vmwriteGuard } from "./vmwrite-guard.ts";

const VALID = 0x8000_0000n;

/** A state that a processor enters: random but at CPL 0, without shadows and steps, with interrupts open. */
function state(seed: number): Map<number, bigint> {
  const vmcs = new Map<number, bigint>([[SEGMENTS[6]!.rights, 0x1_0000n], [SEGMENTS[7]!.rights, 0x8bn], [SEGMENTS[7]!.limit, 0x67n], [F.link, (1n << 64n) - 1n]]);
  enterRandomState(vmcs, new Random(seed), true);
  vmcs.set(F.rflags, (vmcs.get(F.rflags)! | 0x200n) & ~0x100n);
  vmcs.set(F.interruptibility, 0n);
  vmcs.set(F.pendingDebug, 0n);
  return vmcs;
}

test("every state that the fuzzer starts from is one that a processor enters", () => {
  for (let seed = 0; seed < 2000; seed++) {
    const vmcs = state(seed);
    enterRandomState(vmcs, new Random(seed), false);
    expect(refusal(vmcs), `seed ${seed}`).toBe("");
  }
});

test.each<[string, [number, bigint][]]>([
  ["CR0.NE", [[F.cr0, 0x11n]]],
  ["EFER.LMA", [[F.efer, 0x400n], [F.entryControls, 0n]]],
  ["RFLAGS", [[F.rflags, 0x200n]]],
  ["HLT state in an interrupt shadow", [[F.activity, 1n], [F.interruptibility, 1n]]],
  ["an interrupt with RFLAGS.IF clear", [[F.rflags, 2n], [F.event, VALID | 0x30n]]],
  ["an interrupt in a shadow", [[F.interruptibility, 2n], [F.event, VALID | 0x30n]]],
  ["an NMI while NMIs are blocked", [[F.interruptibility, 8n], [F.event, VALID | 0x202n]]],
  ["error code of exception 6", [[F.event, VALID | 0xb06n]]],
  ["pending single step", [[F.rflags, 0x302n], [F.interruptibility, 2n]]],
  ["TR is unusable", [[SEGMENTS[7]!.rights, 0x1_0000n]]],
])("a state with bad %s is refused", (problem, fields) => {
  const vmcs = state(1);
  for (const [at, value] of fields) vmcs.set(at, value);
  expect(refusal(vmcs)).toContain(problem);
});

test("the kernel may write guest state and windows, and nothing else", () => {
  const vmcs = new Map([[field("HOST_RIP"), 1n], [field("PRIMARY_CONTROLS"), 0x8000_0000n]]);
  const write = vmwriteGuard(vmcs);
  write(field("GUEST_RIP"), 5n);
  write(field("PRIMARY_CONTROLS"), 0x8000_0004n);
  write(field("HOST_RIP"), 1n);
  expect(() => write(field("HOST_RIP"), 2n)).toThrow("HOST_RIP");
  expect(() => write(field("PRIMARY_CONTROLS"), 0x8000_0080n)).toThrow("PRIMARY_CONTROLS");
  expect(() => write(field("EPT_POINTER"), 2n)).toThrow("EPT_POINTER");
  expect(() => write(0x7ffe, 2n)).toThrow("field 0x7ffe");
});

test("memory that core 0's tables do not map is out of reach, and read-only memory is not written", () => {
  const memory = new GuardedMemory();
  const direct = 0xffff_8000_0000_0000n;
  memory.seal([{ from: direct + 0x1000n, to: 0x1000n, size: 4096n, entry: 3n }, { from: direct + 0x2000n, to: 0x2000n, size: 4096n, entry: 1n }]);
  const { load64, store8, copy } = memory.imports() as Record<string, (...parameters: (bigint | number)[]) => unknown>;
  store8!(0x1fffn, 1);
  expect(load64!(0x2ff8n)).toBe(0n);
  expect(() => load64!(0x2ff9n)).toThrow("page fault of the kernel: read");
  expect(() => store8!(0x2000n, 1)).toThrow("page fault of the kernel: write");
  expect(() => copy!(0x1000n, 0x5000n, 8n)).toThrow("page fault of the kernel: read");
});

test("the driver's rings are near enough to right ones that the disk takes requests", async () => {
  const random = new Random(1);
  const partitions = [{ memory: "8 MiB", disk: "disk.img" }];
  const machine = FuzzMachine.start(await compileKernel(), await compileEntry("monitor/main.ts", "monitor"), random, { partitions });
  const indexes = Array.from({ length: 500 }, () => {
    useDisk(machine, random);
    return machine.readGuest(USED + 2, 2);
  });
  expect(new Set(indexes).size).toBeGreaterThan(5);
}, 120_000);
