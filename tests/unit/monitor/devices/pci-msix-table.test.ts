import { beforeEach, describe, expect, test } from "vitest";
import { AccessStatus, Mailbox, VcpuFrame } from "../../../../monitor/interface.ts";
import type { SimulatedPartition } from "../harness.ts";
import { CAPABILITY, capabilities, COMMAND, configRead, configWrite, MEMORY_SPACE, MSIX, PENDING, type PciFunction, TABLE, TABLE_BAR } from "./pci-functions.ts";
import { ALL_ONES, ENABLE, entryAt, MESSAGE_ADDRESS, type MsixFunction, startMsix } from "./pci-msix-function.ts";

const ONES = 0xffff_ffff;

let partition: SimulatedPartition;
let device: MsixFunction;

async function start(functions: PciFunction[] = [{ bars: { 0: TABLE_BAR }, msix: MSIX }]): Promise<void> {
  device = await startMsix(functions);
  partition = device.partition;
}

beforeEach(() => start());

describe("MSI-X table in memory", () => {
  test("starts masked and empty, and keeps what can be written", () => {
    expect(configRead(partition, 3, device.control) >>> 16).toBe(MSIX.count - 1);
    expect([configRead(partition, 3, device.control + 4), configRead(partition, 3, device.control + 8)]).toEqual([MSIX.table, MSIX.pending]);
    for (let entry = 0; entry < MSIX.count; entry++) {
      expect([device.read64(entryAt(entry)), device.read64(entryAt(entry) + 8n)]).toEqual([0n, 1n << 32n]);
    }
    for (let field = 0n; field < 16n; field += 4n) partition.write32(entryAt(3) + field, ONES);
    expect([0n, 4n, 8n, 12n].map((field) => partition.read32(entryAt(3) + field))).toEqual([0xffff_fffc, ONES, ONES, 1]);
    expect([device.read64(entryAt(2)), device.read64(entryAt(4))]).toEqual([0n, 0n]);
    expect(partition.status).toBe(AccessStatus.Done);
  });

  test("64-bit words hold two fields", () => {
    device.write64(entryAt(15), 0x1234_5678_9abc_def3n);
    device.write64(entryAt(15) + 8n, 0xffff_fffe_0000_0041n);
    expect([0n, 4n, 8n, 12n].map((field) => partition.read32(entryAt(15) + field))).toEqual([0x9abc_def0, 0x1234_5678, 0x41, 0]);
    expect([device.read64(entryAt(15)), device.read64(entryAt(15) + 8n)]).toEqual([0x1234_5678_9abc_def0n, 0x41n]);
  });

  test("beyond table and pending bits is open bus", () => {
    for (const gpa of [TABLE - 8n, entryAt(MSIX.count), TABLE + 0xff8n, PENDING - 8n, PENDING + 8n, TABLE_BAR.address, TABLE_BAR.address + TABLE_BAR.size]) {
      expect([gpa, device.read64(gpa), partition.status]).toEqual([gpa, ALL_ONES, AccessStatus.OpenBus]);
      device.write64(gpa, 0n);
      expect([gpa, device.read64(gpa), partition.status]).toEqual([gpa, ALL_ONES, AccessStatus.OpenBus]);
    }
  });

  test("unaligned and narrow accesses are open bus and change nothing", () => {
    device.program(0, 0x41);
    const accesses: [bigint, number][] = [
      [TABLE + 1n, 4], [TABLE + 2n, 4], [TABLE + 4n, 8], [TABLE + 12n, 8], [TABLE, 1], [TABLE, 2], [PENDING + 4n, 8], [PENDING + 2n, 4],
    ];
    for (const [gpa, size] of accesses) {
      device.write64(gpa, 0x5a5a_5a5a_5a5a_5a5an, size);
      expect([gpa, size, partition.status]).toEqual([gpa, size, AccessStatus.OpenBus]);
      expect([device.read64(gpa, size), partition.status]).toEqual([ALL_ONES, AccessStatus.OpenBus]);
    }
    expect([device.read64(TABLE), device.read64(TABLE + 8n)]).toEqual([BigInt(MESSAGE_ADDRESS), 0x1_0000_0041n]);
  });

  test("answers only with memory space enabled, wherever the guest moves the BAR", () => {
    configWrite(partition, 3, 0x10, 0xd000_0000);
    device.program(1, 0x51);
    expect(device.read64(entryAt(1) + 8n)).toBe(0x1_0000_0051n);
    expect(device.read64(0xd000_2010n)).toBe(ALL_ONES);
    configWrite(partition, 3, COMMAND, 0);
    device.setMask(1, false);
    expect([device.read64(entryAt(1)), device.read64(PENDING), partition.status]).toEqual([ALL_ONES, ALL_ONES, AccessStatus.OpenBus]);
    configWrite(partition, 3, COMMAND, MEMORY_SPACE);
    expect(device.read64(entryAt(1) + 8n)).toBe(0x1_0000_0051n);
  });

  test("the decoder reaches the first register of the page", () => {
    partition.lowMemory.set([0x89, 0x08], 0x1000); // mov [eax], ecx
    partition.poke64(Mailbox.Frame + VcpuFrame.Rip, 0x1000n);
    partition.poke64(Mailbox.Frame + VcpuFrame.Cr0, 1n);
    partition.poke64(Mailbox.Frame + VcpuFrame.CodeMode, 2n);
    partition.poke64(Mailbox.Frame + VcpuFrame.Registers, TABLE);
    partition.poke64(Mailbox.Frame + VcpuFrame.Registers + 8, BigInt(MESSAGE_ADDRESS));
    partition.monitor.memoryAccess(0, TABLE, 1);
    expect([partition.status, partition.read32(TABLE)]).toEqual([AccessStatus.Done, MESSAGE_ADDRESS]);
    expect(partition.peek64(Mailbox.Frame + VcpuFrame.Rip)).toBe(0x1002n);
  });

  test("each function has a table of its own", async () => {
    const functions = Array.from({ length: 8 }, (_, index) => ({
      bars: { 0: { address: 0xc000_0000n + BigInt(index) * 0x4000n, size: 0x4000n } },
      msix: { ...MSIX, count: 64 },
    }));
    await start(functions);
    for (let index = 0; index < 8; index++) partition.write32(TABLE + BigInt(index * 0x4000 + 63 * 16 + 8), 0x30 + index);
    expect(functions.map((_, index) => partition.read32(TABLE + BigInt(index * 0x4000 + 63 * 16 + 8)))).toEqual(functions.map((_, index) => 0x30 + index));
    expect(partition.read32(TABLE + 8n)).toBe(0);
  });
});

describe("MSI-X tables that do not fit", () => {
  test("of 2048 entries the guest sees 64", async () => {
    await start([{ bars: { 0: { address: 0xc000_0000n, size: 0x1_0000n } }, msix: { count: 2048, table: 0x2000, pending: 0xb000 } }]);
    expect((configRead(partition, 3, device.control) >>> 16) & 0x7ff).toBe(63);
    partition.write32(entryAt(63) + 8n, 0x41);
    expect([partition.read32(entryAt(63) + 8n), device.read64(entryAt(64)), partition.status]).toEqual([0x41, ALL_ONES, AccessStatus.OpenBus]);
    device.setControl(ENABLE);
    for (const entry of [64, 2047, ONES]) device.message(entry);
    expect([device.vectors(), device.read64(0xc000_b000n)]).toEqual([[0, 0], 0n]);
  });

  const IO_BAR = { address: 0xc000n, size: 0x1000n, flags: 1 };
  const LAST_BAR = { address: 0xc010_0000n, size: 0x4000n };
  const places: [string, Partial<typeof MSIX>][] = [
    ["BIR 7 of the table", { table: 0x2007 }],
    ["BIR 6 of the pending bits", { pending: 0x3006 }],
    ["a BAR that is not there", { table: 0x2001 }],
    ["an I/O BAR", { table: 0x0004 }],
    ["a table across the end of the BAR", { table: 0x3f08 }],
    ["a table beyond the BAR", { table: 0xffff_fff8 }],
    ["pending bits beyond the BAR", { pending: 0x4000 }],
  ];
  test.each(places)("%s: no MSI-X, and MSI neither", async (_, place) => {
    await start([{ bars: { 0: TABLE_BAR, 4: IO_BAR, 5: LAST_BAR }, msix: { ...MSIX, ...place }, msi: true }]);
    expect([...capabilities(partition, 3).keys()]).toEqual([CAPABILITY.powerManagement]);
    expect([device.read64(TABLE), device.read64(PENDING), partition.status]).toEqual([ALL_ONES, ALL_ONES, AccessStatus.OpenBus]);
    configWrite(partition, 3, 0x70, ONES);
    configWrite(partition, 3, 0x50, ONES);
    for (const entry of [0, 1]) device.message(entry);
    expect(device.vectors()).toEqual([0, 0]);
  });
});
