// QEMU's fw_cfg device, by which firmware learns of memory, vCPUs and ACPI tables (QEMU docs/specs/fw_cfg.rst).

import { describe, expect, test } from "vitest";
import { AccessStatus, HIGH_MEMORY_BASE as HIGH_MEMORY_ADDRESS, ImageKind } from "../../../../monitor/interface.ts";
import { startPartition, type SimulatedPartition } from "../harness.ts";
import { firmware, MEBIBYTE, rom, status } from "./firmware-guest.ts";

const HIGH_MEMORY_BASE = BigInt(HIGH_MEMORY_ADDRESS);
const SELECTOR = 0x510;
const DATA = 0x511;
const ADDRESS_HIGH = 0x514;
const ADDRESS_LOW = 0x518;
const DIRECTORY = 0x19;
const STRUCTURE = 0x8000;
const TARGET = 0x9000;
const Control = { error: 1, read: 2, skip: 4, select: 8, write: 16 };

/** Item `key`, byte by byte through the data port. */
function readItem(partition: SimulatedPartition, key: number, length: number): Buffer {
  partition.monitor.portWrite(0, SELECTOR, 2, key);
  return Buffer.from(Array.from({ length }, () => partition.monitor.portRead(0, DATA, 1)));
}

interface File {
  key: number;
  size: number;
}

function readDirectory(partition: SimulatedPartition): Map<string, File> {
  const count = readItem(partition, DIRECTORY, 4).readUInt32BE();
  const bytes = readItem(partition, DIRECTORY, 4 + count * 64).subarray(4);
  return new Map(
    Array.from({ length: count }, (_, index) => {
      const entry = bytes.subarray(index * 64, index * 64 + 64);
      const name = entry.toString("latin1", 8).replace(/\0.*$/, "");
      return [name, { size: entry.readUInt32BE(0), key: entry.readUInt16BE(4) }];
    }),
  );
}

function readFile(partition: SimulatedPartition, name: string): Buffer {
  const file = readDirectory(partition).get(name);
  if (file === undefined) throw new Error(`no file ${name}`);
  return readItem(partition, file.key, file.size);
}

/** Returns what the control field says afterwards. */
function runDma(partition: SimulatedPartition, control: number, length: number, address: bigint, structure = STRUCTURE): number {
  partition.lowMemory.writeUInt32BE(control >>> 0, STRUCTURE);
  partition.lowMemory.writeUInt32BE(length, STRUCTURE + 4);
  partition.lowMemory.writeBigUInt64BE(BigInt.asUintN(64, address), STRUCTURE + 8);
  const low = Buffer.alloc(4);
  low.writeUInt32BE(structure);
  partition.monitor.portWrite(0, ADDRESS_LOW, 4, low.readUInt32LE());
  return partition.lowMemory.readUInt32BE(STRUCTURE);
}

describe("fw_cfg", () => {
  test("has the signature, the DMA interface, memory and vCPUs", async () => {
    const partition = await firmware({ vcpus: 3, highMemory: MEBIBYTE });
    expect(readItem(partition, 0, 4).toString("latin1")).toBe("QEMU");
    expect(readItem(partition, 1, 4).readUInt32LE()).toBe(3);
    expect(readItem(partition, 3, 8).readBigUInt64LE()).toBe(33n << 20n);
    expect(readItem(partition, 5, 2).readUInt16LE()).toBe(3);
    expect(partition.monitor.portRead(0, ADDRESS_HIGH, 4)).toBe(Buffer.from("QEMU").readUInt32LE());
    expect(partition.monitor.portRead(0, ADDRESS_LOW, 4)).toBe(Buffer.from(" CFG").readUInt32LE());
  });

  test("reads 0 behind an item's end and where there is none", async () => {
    const partition = await firmware();
    expect(readItem(partition, 0, 6)).toEqual(Buffer.from("QEMU\0\0"));
    expect(readItem(partition, 0x7777, 4)).toEqual(Buffer.alloc(4));
  });

  test("lists its files, and gives the memory map and the serial console", async () => {
    const partition = await firmware({ highMemory: MEBIBYTE });
    expect([...readDirectory(partition).keys()]).toEqual(["etc/acpi/tables", "etc/acpi/rsdp", "etc/table-loader", "etc/e820", "etc/sercon-port"]);
    expect(readFile(partition, "etc/sercon-port").readUInt16LE()).toBe(0x3f8);
    const map = readFile(partition, "etc/e820");
    const ranges = [0, 20].map((at) => [map.readBigUInt64LE(at), map.readBigUInt64LE(at + 8), map.readUInt32LE(at + 16)]);
    expect(map).toHaveLength(40);
    expect(ranges).toEqual([[0n, 32n << 20n, 1], [HIGH_MEMORY_BASE, 1n << 20n, 1]]);
  });

  test("its script places ACPI tables whose pointers and checksums are right", async () => {
    const partition = await firmware({ vcpus: 2 });
    const files = new Map(["etc/acpi/tables", "etc/acpi/rsdp"].map((name) => [name, readFile(partition, name)]));
    const script = readFile(partition, "etc/table-loader");
    const base = 0x1f0_0000;
    const name = (at: number): string => script.toString("latin1", at, at + 56).replace(/\0.*$/, "");
    const allocated: [string, number, number][] = [];
    for (let at = 0; at < script.length; at += 128) {
      const file = files.get(name(at + 4))!;
      switch (script.readUInt32LE(at)) {
        case 1:
          allocated.push([name(at + 4), script.readUInt32LE(at + 60), script.readUInt8(at + 64)]);
          break;
        case 2: {
          expect(name(at + 60)).toBe("etc/acpi/tables");
          const offset = script.readUInt32LE(at + 116);
          if (script.readUInt8(at + 120) === 8) file.writeBigUInt64LE(file.readBigUInt64LE(offset) + BigInt(base), offset);
          else file.writeUInt32LE(file.readUInt32LE(offset) + base, offset);
          break;
        }
        case 3: {
          const [offset, start, length] = [60, 64, 68].map((field) => script.readUInt32LE(at + field)) as [number, number, number];
          expect(file[offset]).toBe(0); // OVMF counts what is there, SeaBIOS takes it off
          file[offset] = -file.subarray(start, start + length).reduce((sum, byte) => sum + byte, 0) & 0xff;
          break;
        }
        default: throw new Error(`command ${script.readUInt32LE(at)}`);
      }
    }
    expect(allocated).toEqual([["etc/acpi/rsdp", 16, 2], ["etc/acpi/tables", 64, 1]]);
    const rsdp = files.get("etc/acpi/rsdp")!;
    const tables = files.get("etc/acpi/tables")!;
    const sum = (bytes: Buffer): number => bytes.reduce((total, byte) => (total + byte) & 0xff, 0);
    const tableAt = (address: number): Buffer => tables.subarray(address - base, address - base + tables.readUInt32LE(address - base + 4));
    expect([sum(rsdp.subarray(0, 20)), sum(rsdp)]).toEqual([0, 0]);
    const xsdt = tableAt(Number(rsdp.readBigUInt64LE(24)));
    const [fadt, madt] = [36, 44].map((at) => tableAt(Number(xsdt.readBigUInt64LE(at)))) as [Buffer, Buffer];
    const dsdt = tableAt(fadt.readUInt32LE(40));
    expect([xsdt, fadt, madt, dsdt].map((table) => table.toString("latin1", 0, 4))).toEqual(["XSDT", "FACP", "APIC", "DSDT"]);
    expect([xsdt, fadt, madt, dsdt].map(sum)).toEqual([0, 0, 0, 0]);
    expect(fadt.readBigUInt64LE(140)).toBe(BigInt(fadt.readUInt32LE(40)));
    expect(tables.toString("latin1", fadt.readUInt32LE(36) - base, fadt.readUInt32LE(36) - base + 4)).toBe("FACS");
  });

  test("is not there for other images", async () => {
    const partition = await startPartition({ imageKind: ImageKind.BzImage, kernel: rom() });
    expect(partition.monitor.portRead(0, DATA, 1)).toBe(0xff);
    expect(status(partition)).toBe(AccessStatus.OpenBus);
  });
});

describe("fw_cfg DMA", () => {
  test("selects, skips and reads", async () => {
    const partition = await firmware();
    expect(runDma(partition, Control.select | Control.read, 4, BigInt(TARGET))).toBe(0);
    expect(partition.lowMemory.toString("latin1", TARGET, TARGET + 4)).toBe("QEMU");
    expect(runDma(partition, Control.select | Control.skip, 2, 0n)).toBe(0);
    expect(runDma(partition, Control.read, 6, BigInt(TARGET))).toBe(0);
    expect(partition.lowMemory.subarray(TARGET, TARGET + 6)).toEqual(Buffer.from("MU\0\0\0\0"));
  });

  test("writes no item", async () => {
    const partition = await firmware();
    expect(runDma(partition, Control.select | Control.write, 4, BigInt(TARGET))).toBe(Control.error);
    expect(readItem(partition, 0, 4).toString("latin1")).toBe("QEMU");
  });

  test.each([
    ["behind the memory", 32n << 20n],
    ["over its end", (32n << 20n) - 2n],
    ["in the ROM", HIGH_MEMORY_BASE - 0x1000n],
    ["in the local APIC", 0xfee0_0000n],
    ["around the end of the address space", 0xffff_ffff_ffff_fffen],
  ])("attack: a target %s is an error and nothing is written", async (_, address) => {
    const partition = await firmware();
    const before = Buffer.from(partition.lowMemory);
    expect(runDma(partition, Control.select | Control.read, 4, address)).toBe(Control.error);
    before.fill(0, STRUCTURE, STRUCTURE + 16);
    partition.lowMemory.fill(0, STRUCTURE, STRUCTURE + 16);
    expect(partition.lowMemory.equals(before)).toBe(true);
  });

  test("attack: a transfer longer than any item is an error", async () => {
    const partition = await firmware();
    expect(runDma(partition, Control.select | Control.read, 0x0100_0000, 0n)).toBe(Control.error);
    expect(partition.lowMemory.subarray(0, 16).every((byte) => byte === 0)).toBe(true);
  });

  test("attack: a structure outside the memory does nothing", async () => {
    const partition = await firmware();
    const before = Buffer.from(partition.lowMemory);
    for (const structure of [0xffff_fff8, 0x0200_0000, 0xfee0_0000]) {
      const low = Buffer.alloc(4);
      low.writeUInt32BE(structure);
      partition.monitor.portWrite(0, ADDRESS_LOW, 4, low.readUInt32LE());
    }
    expect(partition.lowMemory.equals(before)).toBe(true);
  });
});
