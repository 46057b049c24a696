// PVH's start information: what the kernel takes from it, and what it refuses.

import { beforeAll, describe, expect, test } from "vitest";
import { packModules } from "../../../scripts/emulator/ram-disk.ts";
import { compileFloor, FloorMachine } from "../machine/floor.ts";
import { enumReader } from "../machine/source-enums.ts";

const status = enumReader("planner/boot/boot-information.ts", "BootStatus");
const START = 0x7000;
const COMMAND_LINE = 0x2_0000;
const MODULES = 0x7100;
const MEMORY_MAP = 0x7200;
const RAM_DISK = 0x400_0000;
const BEYOND = 1n << 40n;

let module: WebAssembly.Module;
beforeAll(async () => {
  module = await compileFloor();
}, 120_000);

/** Fields by offset, as arch-x86/hvm/start_info.h has them; a file of three modules as the RAM disk. */
function parse(changes: Record<number, bigint> = {}, ramDisk = packModules([Buffer.from("policy"), Buffer.alloc(0), Buffer.alloc(5000)])): { machine: FloorMachine; result: number } {
  const machine = new FloorMachine(module);
  const start = Buffer.alloc(56);
  start.writeUInt32LE(0x336ec578, 0);
  start.writeUInt32LE(1, 4);
  start.writeUInt32LE(1, 12);
  [MODULES, COMMAND_LINE, 0xf_5000, MEMORY_MAP].forEach((address, i) => start.writeBigUInt64LE(BigInt(address), 16 + 8 * i));
  start.writeUInt32LE(2, 48);
  for (const [offset, value] of Object.entries(changes)) start.writeBigUInt64LE(value, Number(offset));
  machine.memory.writeBytes(START, start);
  machine.memory.writeBytes(COMMAND_LINE, Buffer.from("strict\0"));
  const list = Buffer.alloc(32);
  list.writeBigUInt64LE(BigInt(RAM_DISK), 0);
  list.writeBigUInt64LE(BigInt(ramDisk.length), 8);
  machine.memory.writeBytes(MODULES, list);
  machine.memory.writeBytes(RAM_DISK, ramDisk);
  const map = Buffer.alloc(48);
  [0n, 0x9_fc00n, 1n, 0x10_0000n, 0x700_0000n, 1n].forEach((value, i) => map.writeBigUInt64LE(value, 8 * i));
  machine.memory.writeBytes(MEMORY_MAP, map);
  return { machine, result: machine.floor.parse(BigInt(START)) };
}

test("command line, modules, memory map and RSDP", () => {
  const { machine, result } = parse();
  expect(result).toBe(status("Done"));
  const { floor } = machine;
  expect(floor.hasStrict()).toBe(1);
  expect([0, 1, 2].map((index) => floor.moduleSize(index))).toEqual([6n, 0n, 5000n]);
  expect(machine.memory.readBytes(Number(floor.moduleAddress(0)), 6).toString()).toBe("policy");
  expect(floor.memoryMapCount()).toBe(2);
  expect([floor.memoryMapBase(1), floor.memoryMapLength(1), floor.memoryMapType(1)]).toEqual([0x10_0000n, 0x700_0000n, 1]);
  expect(floor.rsdpAddress()).toBe(0xf_5000n);
});

test("nobody gets the memory that the information lies in", () => {
  const { floor } = parse().machine;
  const base = floor.informationAddress();
  expect(base).toBeLessThanOrEqual(BigInt(START));
  expect(base + floor.informationLength()).toBeGreaterThanOrEqual(BigInt(COMMAND_LINE + "strict".length + 1));
});

test("command line, modules and RSDP may be missing", () => {
  const { machine, result } = parse({ 8: 0n, 24: 0n, 32: 0n });
  expect(result).toBe(status("Done"));
  expect([machine.floor.moduleCount(), machine.floor.commandLineSize(), Number(machine.floor.rsdpAddress())]).toEqual([0, 0, 0]);
});

describe("refused", () => {
  test.each<[string, Record<number, bigint>, string]>([
    ["version 0", { 0: 0x336ec578n }, "StartVersion"],
    ["a command line that cannot be reached", { 24: BEYOND }, "StartAddress"],
    ["a list of modules that cannot be reached", { 16: BEYOND }, "StartAddress"],
    ["an RSDP that cannot be reached", { 32: BEYOND }, "StartAddress"],
    ["a memory map that cannot be reached", { 40: BEYOND }, "StartAddress"],
    ["a memory map without entries", { 48: 0n }, "MemoryMapMissing"],
  ])("%s", (_, changes, expected) => {
    expect(parse(changes).result).toBe(status(expected));
  });

  test.each<[string, (disk: Buffer) => void, string]>([
    ["a RAM disk without the container's magic", (disk) => disk.write("x"), "RamDisk"],
    ["more modules than the container can hold", (disk) => disk.writeBigUInt64LE(1n << 60n, 8), "RamDiskShort"],
    ["a module behind the container's end", (disk) => disk.writeBigUInt64LE(BigInt(disk.length + 1), 16), "RamDiskModule"],
    ["a module whose end overflows", (disk) => disk.writeBigUInt64LE(0xffff_ffff_ffff_f000n, 24), "RamDiskModule"],
  ])("%s", (_, change, expected) => {
    const disk = packModules([Buffer.alloc(10)]);
    change(disk);
    expect(parse({}, disk).result).toBe(status(expected));
  });

  test("a container that ends in its header, and 65 modules", () => {
    expect(parse({}, Buffer.alloc(8)).result).toBe(status("RamDisk"));
    expect(parse({}, packModules(Array.from({ length: 65 }, () => Buffer.alloc(0)))).result).toBe(status("TooManyModules"));
  });
});
