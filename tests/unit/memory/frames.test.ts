import { beforeAll, describe, expect, test } from "vitest";
import { encodeBootInformation, type MemoryMapEntry } from "../machine/boot-information.ts";
import { compileFloor, FloorMachine } from "../machine/floor.ts";
import { imageAddress } from "../machine/machine.ts";
import { enumReader } from "../machine/source-enums.ts";

const status = enumReader("planner/memory/frames.ts", "FramesStatus");
const MIB = 0x10_0000;
const PAGE = 4096;
const INFORMATION = 0x50_0000;

let module: WebAssembly.Module;
beforeAll(async () => {
  module = await compileFloor();
}, 120_000);

function start(memoryMap: MemoryMapEntry[], modules: { start: number; end: number }[] = []): { machine: FloorMachine; result: number } {
  const machine = new FloorMachine(module);
  machine.memory.writeBytes(INFORMATION, encodeBootInformation({ memoryMap, modules }));
  expect(machine.floor.parse(BigInt(INFORMATION))).toBe(0);
  return { machine, result: machine.floor.initialiseFrames() };
}

interface Range {
  base: number;
  end: number;
}

/** Takes single frames until none is left. */
function takeAll(machine: FloorMachine): Set<number> {
  const taken = new Set<number>();
  for (let frame = machine.floor.allocate(1, 1); frame !== 0n; frame = machine.floor.allocate(1, 1)) {
    expect(taken.has(Number(frame))).toBe(false);
    taken.add(Number(frame));
  }
  return taken;
}

describe("frames", () => {
  test("exactly the free pages are handed out, each once", () => {
    const memoryMap = [
      { base: 0, length: 0x9_fc00, type: 1 },
      { base: MIB, length: 7 * MIB + 0x800, type: 1 },
      { base: 6 * MIB + 0x10, length: 0x20, type: 2 },
    ];
    const modules = [{ start: 5 * MIB + 0x8010, end: 5 * MIB + 0x9001 }];
    const { machine, result } = start(memoryMap, modules);
    expect(result).toBe(status("Done"));

    const used: Range[] = [
      { base: 0, end: MIB },
      { base: imageAddress("Start"), end: imageAddress("End") },
      { base: INFORMATION, end: INFORMATION + PAGE },
      { base: 5 * MIB + 0x8000, end: 5 * MIB + 0xa000 },
      { base: 6 * MIB, end: 6 * MIB + PAGE },
    ];
    const expected = new Set<number>();
    for (let page = MIB; page < 8 * MIB; page += PAGE) {
      if (!used.some((range) => page >= range.base && page < range.end)) expected.add(page);
    }
    expect(machine.floor.freeBytes()).toBe(BigInt(expected.size * PAGE));
    expect(takeAll(machine)).toEqual(expected);
    expect(machine.floor.freeBytes()).toBe(0n);
  });

  test("frames come zeroed, partition memory as it was", () => {
    const { machine } = start([{ base: 8 * MIB, length: 8 * MIB, type: 1 }]);
    for (let page = 8 * MIB; page < 16 * MIB; page += PAGE) machine.memory.write(page + 8, 8, 0xdeadn);
    const frame = Number(machine.floor.allocate(3, 4));
    expect(frame % (4 * PAGE)).toBe(0);
    expect(machine.memory.readBytes(frame, 3 * PAGE).every((byte) => byte === 0)).toBe(true);
    const large = Number(machine.floor.allocateLarge(BigInt(2 * MIB)));
    expect(large % (2 * MIB)).toBe(0);
    expect(machine.memory.read(large + 8, 8)).toBe(0xdeadn);
  });

  test("alignment leaves the pages before it for others", () => {
    const { machine } = start([{ base: 8 * MIB, length: 8 * MIB, type: 1 }]);
    expect(machine.floor.allocate(1, 1)).toBe(BigInt(8 * MIB));
    expect(machine.floor.allocate(512, 512)).toBe(BigInt(10 * MIB));
    expect(machine.floor.allocate(1, 1)).toBe(BigInt(8 * MIB + PAGE));
    expect(machine.floor.allocate(2048, 1)).toBe(0n);
  });

  test("partition memory of a gigabyte or more lies on a gigabyte, if it can", () => {
    const gib = 1024 * MIB;
    const { machine } = start([{ base: 16 * MIB, length: 3 * gib - 16 * MIB, type: 1 }, { base: 4 * gib, length: 2 * gib, type: 1 }]);
    expect(machine.floor.allocateLarge(BigInt(gib + 2 * MIB))).toBe(BigInt(gib));
    expect(machine.floor.allocateLarge(BigInt(2 * gib))).toBe(BigInt(4 * gib));
    // Less than a gigabyte takes the lowest place on 2 MiB.
    expect(machine.floor.allocateLarge(BigInt(1000 * MIB))).toBe(BigInt(16 * MIB));
  });

  test("reserved areas win over available ones in either order", () => {
    const { machine } = start([
      { base: 9 * MIB, length: MIB, type: 4 },
      { base: 8 * MIB, length: 4 * MIB, type: 1 },
      { base: 9 * MIB, length: 2 * MIB, type: 1 },
    ]);
    expect(machine.floor.freeBytes()).toBe(BigInt(3 * MIB));
    expect([...takeAll(machine)].some((page) => page >= 9 * MIB && page < 10 * MIB)).toBe(false);
  });

  test("memory beyond what core 0 reaches before the seal is left alone", () => {
    const limit = 16 * 1024 * MIB;
    const { machine } = start([{ base: limit - MIB, length: 64 * MIB, type: 1 }, { base: 2 * limit, length: MIB, type: 1 }]);
    expect(machine.floor.freeBytes()).toBe(BigInt(MIB));
    expect(machine.floor.allocate(1, 1)).toBe(BigInt(limit - MIB));
  });

  test("nothing usable, nonsense lengths, too many pieces", () => {
    expect(start([{ base: 0, length: MIB, type: 1 }]).result).toBe(status("NoMemory"));
    const { machine, result } = start([{ base: 2 ** 45, length: 2 ** 53, type: 2 }, { base: 8 * MIB, length: MIB, type: 1 }]);
    expect(result).toBe(status("Done"));
    expect(machine.floor.freeBytes()).toBe(BigInt(MIB));
    const pieces = Array.from({ length: 140 }, (_, i) => ({ base: 16 * MIB + 2 * i * PAGE, length: PAGE, type: 1 }));
    expect(start(pieces).result).toBe(status("TooManyRanges"));
  });

  test("many small aligned requests do not wear out the table of ranges", () => {
    const { machine } = start([{ base: 8 * MIB, length: 64 * MIB, type: 1 }]);
    for (let i = 0; i < 1000; i++) {
      expect(machine.floor.allocate(1, 2)).not.toBe(0n);
      expect(machine.floor.allocate(1, 1)).not.toBe(0n);
    }
    expect(machine.floor.freeBytes()).toBe(BigInt(64 * MIB - 2000 * PAGE));
    expect(machine.floor.rangesOverflowed()).toBe(0);
  });
});

describe("ranges against a set of numbers", () => {
  test("random additions, subtractions and requests", () => {
    const { floor } = new FloorMachine(module);
    floor.clearRanges();
    const model = new Set<number>();
    let seed = 12345;
    const random = (limit: number): number => {
      seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
      return (seed >>> 8) % limit;
    };
    for (let step = 0; step < 2000; step++) {
      const base = 1 + random(400);
      const end = base + random(40);
      if (random(3) === 0) {
        floor.addRange(BigInt(base), BigInt(end));
        for (let i = base; i < end; i++) model.add(i);
      } else if (random(2) === 0) {
        floor.subtractRange(BigInt(base), BigInt(end));
        for (let i = base; i < end; i++) model.delete(i);
      } else {
        const length = 1 + random(8);
        const taken = Number(floor.takeLowest(BigInt(length), BigInt(2 ** random(4))));
        for (let i = taken; taken !== 0 && i < taken + length; i++) expect(model.delete(i)).toBe(true);
      }
      expect(floor.rangesSize()).toBe(BigInt(model.size));
    }
    expect(floor.rangesOverflowed()).toBe(0);
  });
});
