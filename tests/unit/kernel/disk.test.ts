// Virtual disks in the tables of each core, and what the monitor is told of them.

import { beforeAll, describe, expect, test } from "vitest";
import { DiskFlag, Mailbox, PCI_WINDOW_END as WINDOW_END } from "../../../monitor/interface.ts";
import { leafAt } from "../machine/page-walker.ts";
import { tablesOf } from "./device-cores.ts";
import { DISK_SIZE, FIRST_DISK, type KernelMachine, startedKernel } from "./kernel-machine.ts";

const DIRECT_BASE = 0xffff_8000_0000_0000n;
const WRITABLE = 1n << 1n;
const NO_EXECUTE = 1n << 63n;
const PCI_WINDOW_END = BigInt(WINDOW_END);
const DISKS = [FIRST_DISK, FIRST_DISK + 0x1_0000];

let machine: KernelMachine;

/** "none", "read" or "write": what core `core` may do with the page at `address`. */
function access(core: number, address: number): string {
  const leaf = leafAt(tablesOf(machine, core), DIRECT_BASE + BigInt(address));
  if (leaf === undefined) return "none";
  expect(leaf.entry & NO_EXECUTE).toBe(NO_EXECUTE);
  return (leaf.entry & WRITABLE) === 0n ? "read" : "write";
}

beforeAll(async () => {
  machine = await startedKernel({ cores: 3, partitions: [{ disk: "a.img" }, { disk: { file: "b.img", readOnly: true } }] });
}, 120_000);

describe("page tables", () => {
  test("a core may write its own partition's disk, unless it is read-only", () => {
    expect([0, 0x1000].map((offset) => access(0, DISKS[0]! + offset))).toEqual(["write", "write"]);
    expect([0, 0x1000].map((offset) => access(1, DISKS[1]! + offset))).toEqual(["read", "read"]);
  });

  test("no core reaches another one's disk, nor what lies around its own", () => {
    expect([access(0, DISKS[1]!), access(1, DISKS[0]!), access(2, DISKS[0]!), access(2, DISKS[1]!)]).toEqual(["none", "none", "none", "none"]);
    expect([access(0, DISKS[0]! - 0x1000), access(0, DISKS[0]! + 0x2000)]).toEqual(["none", "none"]);
  });
});

test("the monitor is told where the disk is and whether it may be written", () => {
  expect(machine.monitor.grantPair(3)).toEqual([BigInt(DISKS[0]!), BigInt(DISK_SIZE)]);
  expect(machine.monitor.mailbox.getUint32(Mailbox.DiskFlags, true)).toBe(0);
});

test("its registers are a device of the partition, and of no other", async () => {
  for (const [disk, audited] of [["a.img", false], [undefined, true]] as const) {
    const other = await startedKernel({ partitions: [disk === undefined ? {} : { disk }] });
    other.answer("memoryAccess", () => undefined);
    other.exit("EPT_VIOLATION", { GUEST_PHYSICAL_ADDRESS: PCI_WINDOW_END, EXIT_QUALIFICATION: 0x181n });
    expect(other.monitorCalls("memoryAccess")).toEqual([[0, PCI_WINDOW_END, 0]]);
    expect(other.debugConsole.output.includes("audit:")).toBe(audited);
  }
});

test("a read-only disk is told so", async () => {
  machine = await startedKernel({ partitions: [{ disk: { file: "b.img", readOnly: true } }] });
  expect(machine.monitor.mailbox.getUint32(Mailbox.DiskFlags, true)).toBe(DiskFlag.ReadOnly);
});
