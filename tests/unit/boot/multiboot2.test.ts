import { beforeAll, describe, expect, test } from "vitest";
import { encodeBootInformation, PC_MEMORY_MAP, tag, type BootInformation } from "../machine/boot-information.ts";
import { compileFloor, FloorMachine, unsigned } from "../machine/floor.ts";
import { enumReader } from "../machine/source-enums.ts";

const status = enumReader("planner/boot/boot-information.ts", "BootStatus");
const INFORMATION = 0x1_0000;

let module: WebAssembly.Module;
beforeAll(async () => {
  module = await compileFloor();
}, 120_000);

function parse(bytes: Buffer): { machine: FloorMachine; result: number } {
  const machine = new FloorMachine(module);
  machine.memory.writeBytes(INFORMATION, bytes);
  return { machine, result: machine.floor.parse(BigInt(INFORMATION)) };
}

function parseGood(information: BootInformation): FloorMachine {
  const { machine, result } = parse(encodeBootInformation({ memoryMap: PC_MEMORY_MAP, ...information }));
  expect(result).toBe(status("Done"));
  return machine;
}

describe("good boot information", () => {
  test("modules keep the loader's order", () => {
    const { floor } = parseGood({
      commandLine: "console=e9",
      modules: [{ start: 0x80_0000, end: 0x80_0123, name: "policy.bin" }, { start: 0x90_0000, end: 0xffff_f000 }, { start: 0xa0_0000, end: 0xa0_0000 }],
    });
    expect(floor.moduleCount()).toBe(3);
    expect(floor.moduleAddress(0)).toBe(0x80_0000n);
    expect(floor.moduleSize(0)).toBe(0x123n);
    expect(floor.moduleAddress(1)).toBe(0x90_0000n);
    expect(floor.moduleSize(1)).toBe(0xff6f_f000n);
    expect(floor.moduleSize(2)).toBe(0n);
    expect(floor.moduleAddress(3)).toBe(0n);
  });

  test("memory map with entries longer than the specification's", () => {
    const { floor } = parseGood({ entrySize: 40 });
    expect(floor.memoryMapCount()).toBe(PC_MEMORY_MAP.length);
    PC_MEMORY_MAP.forEach((entry, i) => {
      expect(floor.memoryMapBase(i)).toBe(BigInt(entry.base));
      expect(floor.memoryMapLength(i)).toBe(BigInt(entry.length));
      expect(floor.memoryMapType(i)).toBe(entry.type);
    });
  });

  test("the RSDP of ACPI 2.0 wins over the one of 1.0, in either order", () => {
    const oldTag = tag(14, Buffer.alloc(20));
    const newTag = tag(15, Buffer.alloc(36));
    const first = parseGood({ tags: [oldTag, newTag] }).floor.rsdpAddress();
    const second = parseGood({ tags: [newTag, oldTag] }).floor.rsdpAddress();
    // The new RSDP is preceded by a tag of 28 bytes padded to 32.
    expect(first - second).toBe(32n);
    expect(parseGood({}).floor.rsdpAddress()).toBe(0n);
  });

  test("unknown tags are skipped", () => {
    expect(parseGood({ tags: [tag(4242, Buffer.alloc(13))] }).floor.memoryMapCount()).toBe(5);
  });

  test("a second parse forgets the first", () => {
    const machine = parseGood({ modules: [{ start: 4096, end: 8192 }], commandLine: "strict" });
    machine.memory.writeBytes(INFORMATION, encodeBootInformation({ memoryMap: PC_MEMORY_MAP }));
    expect(machine.floor.parse(BigInt(INFORMATION))).toBe(status("Done"));
    expect(machine.floor.moduleCount()).toBe(0);
    expect(machine.floor.commandLineSize()).toBe(0);
  });

  test("the information's own place is known", () => {
    const { floor } = parseGood({});
    expect(unsigned(floor.informationAddress())).toBe(BigInt(INFORMATION));
    expect(Number(floor.informationLength())).toBe(encodeBootInformation({ memoryMap: PC_MEMORY_MAP }).length);
  });
});

describe("malformed boot information is refused", () => {
  const good = (): Buffer => encodeBootInformation({ memoryMap: PC_MEMORY_MAP, modules: [{ start: 0x1000, end: 0x2000 }] });

  test("no address, or an odd one", () => {
    const machine = new FloorMachine(module);
    expect(machine.floor.parse(0n)).toBe(status("InformationMissing"));
    expect(machine.floor.parse(0x1004n)).toBe(status("InformationMissing"));
  });

  test.each([0, 15, 0x10_0001, 0xffff_ffff])("total size %d", (size) => {
    const bytes = good();
    bytes.writeUInt32LE(size, 0);
    expect(parse(bytes).result).toBe(status("SizeInvalid"));
  });

  test.each([0, 7, 0xffff_fff8])("tag size %d", (size) => {
    const bytes = good();
    bytes.writeUInt32LE(size, 12);
    expect(parse(bytes).result).toBe(status("TagInvalid"));
  });

  test("no end tag", () => {
    expect(parse(encodeBootInformation({ memoryMap: PC_MEMORY_MAP, withoutEnd: true })).result).toBe(status("EndTagMissing"));
  });

  test("no memory map, or an empty one", () => {
    expect(parse(encodeBootInformation({})).result).toBe(status("MemoryMapMissing"));
    expect(parse(encodeBootInformation({ memoryMap: [] })).result).toBe(status("MemoryMapMissing"));
  });

  test.each([0, 16, 20, 25])("memory map entries of %d bytes", (entrySize) => {
    const body = Buffer.alloc(8 + 64);
    body.writeUInt32LE(entrySize, 0);
    expect(parse(encodeBootInformation({ tags: [tag(6, body)] })).result).toBe(status("MemoryMapInvalid"));
  });

  test("a module that ends before it starts", () => {
    expect(parse(encodeBootInformation({ memoryMap: PC_MEMORY_MAP, modules: [{ start: 2, end: 1 }] })).result).toBe(status("ModuleInvalid"));
  });

  test("65 modules", () => {
    const modules = Array.from({ length: 65 }, (_, i) => ({ start: i, end: i }));
    expect(parse(encodeBootInformation({ memoryMap: PC_MEMORY_MAP, modules })).result).toBe(status("TooManyModules"));
  });

  test("an RSDP tag that is too short", () => {
    expect(parse(encodeBootInformation({ memoryMap: PC_MEMORY_MAP, newRsdp: Buffer.alloc(35) })).result).toBe(status("TagInvalid"));
    expect(parse(encodeBootInformation({ memoryMap: PC_MEMORY_MAP, oldRsdp: Buffer.alloc(19) })).result).toBe(status("TagInvalid"));
  });

  test("a framebuffer tag that is too short", () => {
    expect(parse(encodeBootInformation({ memoryMap: PC_MEMORY_MAP, tags: [tag(8, Buffer.alloc(22))] })).result).toBe(status("TagInvalid"));
    expect(parse(encodeBootInformation({ memoryMap: PC_MEMORY_MAP, tags: [tag(8, Buffer.alloc(23))] })).result).toBe(status("Done"));
  });
});

describe("command line", () => {
  test.each([
    ["strict", true],
    ["quiet strict loud", true],
    ["unstrict strictly", true],
    ["unstrict", false],
    ["", false],
  ])("a word that begins with strict in %j: %s", (commandLine, found) => {
    expect(parseGood({ commandLine }).floor.hasStrict()).toBe(found ? 1 : 0);
  });

  test.each([
    ["verbose=2", true],
    ["verbose=1,2,3 quiet", true],
    ["a verbose=3,2", true],
    ["verbose=22", false],
    ["verbose=1 2", false],
    ["inverbose=2", false],
  ])("the value 2 of verbose in %j: %s", (commandLine, found) => {
    expect(parseGood({ commandLine }).floor.hasVerboseLevel2()).toBe(found ? 1 : 0);
  });

  test.each([
    ["", 7],
    ["console=e9", 1],
    ["console=fb", 4],
    ["console=fb,com1,e9", 7],
    ["console=com1", 2],
    ["console=e9,com1", 3],
    ["console=com1,e9", 3],
    ["console=vga", 0],
  ])("consoles of %j: mask %d", (commandLine, mask) => {
    expect(parseGood({ commandLine }).floor.selectedConsoles()).toBe(mask);
  });
});
