import { beforeAll, describe, expect, test } from "vitest";
import { sourceViews } from "../machine/remapping-walker.ts";
import { Random } from "../monitor/decoder/native/random.ts";
import { compileWalker, type Device, PAGE, walkStatus, WalkerMachine } from "./walker-machine.ts";

const SEED = BigInt(process.env["WALKER_SEED"] ?? "20240611");
const ROOT_TABLE = 0x200_0000n;
/** Second-level tables of two partitions; the walker of source ids does not look into them. */
const FIRST = 0x300_0000n;
const SECOND = 0x301_0000n;

const DEVICES: Device[] = [
  { sourceId: 0x0018, domainId: 1, root: FIRST, levels: 4, deviceTlb: false },
  { sourceId: 0x0300, domainId: 2, root: SECOND, levels: 4, deviceTlb: true },
  { sourceId: 0x03ff, domainId: 1, root: FIRST, levels: 4, deviceTlb: false },
  { sourceId: 0xff80, domainId: 2, root: SECOND, levels: 4, deviceTlb: false },
];

let module: WebAssembly.Module;
beforeAll(async () => {
  module = await compileWalker();
}, 120_000);

/** Root, context and PASID tables as VT-d 4.1 9.1 to 9.6 draws them; each table takes the next frame. */
class Tables {
  readonly machine = new WalkerMachine(module);
  readonly frames: bigint[] = [ROOT_TABLE];

  constructor(readonly isScalable: boolean, readonly devices: Device[] = DEVICES) {
    for (const device of devices) this.add(device);
  }

  /** Physical address of the root entry's half that leads to the source id. */
  rootSlot(sourceId: number): bigint {
    const half = this.isScalable && (sourceId & 0x80) !== 0 ? 8n : 0n;
    return ROOT_TABLE + 16n * BigInt(sourceId >> 8) + half;
  }

  contextSlot(sourceId: number): bigint {
    const table = this.pointer(this.rootSlot(sourceId));
    return table + (this.isScalable ? 32n * BigInt(sourceId & 0x7f) : 16n * BigInt(sourceId & 0xff));
  }

  directorySlot(sourceId: number): bigint {
    return this.pointer(this.contextSlot(sourceId));
  }

  pasidSlot(sourceId: number): bigint {
    return this.pointer(this.directorySlot(sourceId));
  }

  pointer(slot: bigint): bigint {
    return this.machine.read(slot) & 0x000f_ffff_ffff_f000n;
  }

  check(devices = this.devices): string {
    return this.machine.checkDevices(ROOT_TABLE, this.isScalable, devices);
  }

  private newFrame(): bigint {
    const frame = ROOT_TABLE + BigInt(this.frames.length) * PAGE;
    this.frames.push(frame);
    return frame;
  }

  private add(device: Device): void {
    const { machine } = this;
    const rootSlot = this.rootSlot(device.sourceId);
    if (machine.read(rootSlot) === 0n) machine.write(rootSlot, this.newFrame() | 1n);
    const slot = this.contextSlot(device.sourceId);
    const width = BigInt(device.levels - 2);
    const deviceTlb = device.deviceTlb ? 4n : 0n;
    if (!this.isScalable) {
      machine.write(slot, device.root | deviceTlb | 1n);
      machine.write(slot + 8n, width | (BigInt(device.domainId) << 8n));
      return;
    }
    const directory = this.newFrame();
    const table = this.newFrame();
    machine.write(slot, directory | deviceTlb | 1n);
    machine.write(directory, table | 1n);
    machine.write(table, device.root | (2n << 6n) | (width << 2n) | 1n);
    machine.write(table + 8n, BigInt(device.domainId));
  }
}

const FORMS: [string, boolean][] = [["legacy", false], ["scalable", true]];

describe.each(FORMS)("tables in %s form", (_form, isScalable) => {
  test("exactly the listed devices are accepted", () => {
    const tables = new Tables(isScalable);
    expect(tables.check()).toBe(walkStatus("Good"));
    expect(new Tables(isScalable, []).check()).toBe(walkStatus("Good"));
  });

  test("a device too many, at any place of any bus", () => {
    for (const one of DEVICES) {
      const tables = new Tables(isScalable);
      expect(tables.check(DEVICES.filter((device) => device !== one))).toBe(walkStatus("UnknownSource"));
      expect(tables.machine.walker.walkFailureAddress()).toBe(BigInt(one.sourceId));
    }
  });

  test("a device too few: no entry, no context table, no such source id", () => {
    const tables = new Tables(isScalable);
    const missing = (sourceId: number): void => {
      const device = { ...DEVICES[0]!, sourceId };
      expect(tables.check([...DEVICES, device])).toBe(walkStatus("SourceMissing"));
      expect(tables.machine.walker.walkFailureAddress()).toBe(BigInt(sourceId));
    };
    missing(0x0301);
    // What lies at physical address 0 is no context table.
    tables.machine.write(0n, 1n);
    missing(0x2000);
    // What follows the root table is no root entry, though it may look like one.
    const beyond = tables.contextSlot(0x0018) - ROOT_TABLE;
    const entry = tables.pointer(ROOT_TABLE + beyond);
    tables.machine.write(entry, tables.machine.read(entry) | 1n);
    missing(Number(beyond / 16n) << 8);
    tables.machine.write(tables.contextSlot(0xff80), 0n);
    expect(tables.check()).toBe(walkStatus("SourceMissing"));
  });

  test("lists that mix partitions", () => {
    const tables = new Tables(isScalable);
    const [first, second, third, fourth] = DEVICES as [Device, Device, Device, Device];
    const expectList = (devices: Device[], status: string): void => expect(tables.check(devices)).toBe(walkStatus(status));
    expectList([first, second, third, third, fourth], "SourceTwice");
    expectList([first, { ...second, domainId: 1 }, third, fourth], "DomainShared");
    expectList([first, { ...second, root: FIRST }, third, fourth], "DomainShared");
    for (const domainId of [0, 0x10002]) {
      expectList([first, { ...second, domainId }, third, { ...fourth, domainId }], "DomainShared");
    }
  });

  test("what an entry says differs from the list", () => {
    const tables = new Tables(isScalable);
    const expectOther = (change: Partial<Device>, status: string): void => {
      // The other devices go out of the list and of the tables, so that only this one decides.
      const alone = new Tables(isScalable, [DEVICES[0]!]);
      expect(alone.check([{ ...DEVICES[0]!, ...change }])).toBe(walkStatus(status));
      expect(alone.machine.walker.walkFailureAddress()).toBe(0x18n);
    };
    expect(tables.check()).toBe(walkStatus("Good"));
    expectOther({ root: SECOND }, "WrongTable");
    expectOther({ levels: 3 }, "WrongWidth");
    expectOther({ levels: 5 }, "WrongWidth");
    expectOther({ domainId: 2 }, "WrongDomain");
    expectOther({ deviceTlb: true }, "WrongTranslation");
  });

  test("tables out of reach or in a partition's memory", () => {
    const tables = new Tables(isScalable);
    const end = ROOT_TABLE + BigInt(tables.frames.length) * PAGE;
    tables.machine.limitTables(end, [{ base: end, end: end + PAGE }]);
    expect(tables.check()).toBe(walkStatus("Good"));
    for (const frame of tables.frames) {
      tables.machine.limitTables(end, [{ base: frame + 8n, end: frame + 16n }]);
      expect(tables.check(), `frame 0x${frame.toString(16)}`).toBe(walkStatus("TableExposed"));
    }
    tables.machine.limitTables(end - PAGE, []);
    expect(tables.check()).toBe(walkStatus("TableOutOfReach"));
    tables.machine.limitTables(ROOT_TABLE, []);
    expect(tables.check()).toBe(walkStatus("TableOutOfReach"));
    expect(tables.machine.checkDevices(ROOT_TABLE | 0x400n, isScalable, DEVICES)).toBe(walkStatus("UnexpectedBit"));
  });

  test("an entry that is not present says nothing", () => {
    const tables = new Tables(isScalable);
    tables.machine.write(tables.rootSlot(0x4000), 0x123_4000n);
    tables.machine.write(tables.contextSlot(0x0300) + 64n, FIRST | 2n);
    expect(tables.check()).toBe(walkStatus("Good"));
  });

  test("a flipped bit that changes what the unit sees is refused", () => {
    const tables = new Tables(isScalable);
    const random = new Random(SEED * 10n + (isScalable ? 1n : 2n));
    const before = sourceViews(tables.machine.memory, ROOT_TABLE, isScalable);
    expect([...before.keys()].sort((a, b) => a - b)).toEqual(DEVICES.map((device) => device.sourceId));
    let changes = 0;
    for (let i = 0; i < 400; i++) {
      const frame = random.pick(tables.frames);
      const used = Array.from({ length: 512 }, (_, word) => frame + 8n * BigInt(word)).filter((slot) => tables.machine.read(slot) !== 0n);
      const slot = random.below(3) === 0 ? frame + 8n * BigInt(random.below(512)) : random.pick(used);
      const bit = random.below(3) === 0 ? 0n : BigInt(random.below(64));
      const word = tables.machine.read(slot);
      tables.machine.write(slot, word ^ (1n << bit));
      const after = sourceViews(tables.machine.memory, ROOT_TABLE, isScalable);
      const isSame = JSON.stringify([...after]) === JSON.stringify([...before]);
      if (!isSame) {
        changes++;
        expect(tables.check(), `seed ${SEED}: bit ${bit} of 0x${slot.toString(16)}`).not.toBe(walkStatus("Good"));
      }
      tables.machine.write(slot, word);
    }
    expect(changes).toBeGreaterThan(100);
    expect(tables.check()).toBe(walkStatus("Good"));
  });
});

type Change = [what: string, slot: (tables: Tables) => bigint, bits: bigint, status: string];

function expectRefused(isScalable: boolean, [, slot, bits, status]: Change): void {
  const tables = new Tables(isScalable);
  const at = slot(tables);
  const changed = tables.machine.read(at) ^ bits;
  tables.machine.write(at, changed);
  expect(tables.check()).toBe(walkStatus(status));
  expect(BigInt.asUintN(64, tables.machine.walker.walkFailureEntry())).toBe(changed);
}

describe("legacy form refuses", () => {
  test.each<Change>([
    ["a reserved bit of a root entry", (tables) => tables.rootSlot(0x0300), 2n, "UnexpectedBit"],
    ["anything in the upper half of a root entry", (tables) => tables.rootSlot(0x0300) + 8n, 1n << 20n, "UnexpectedBit"],
    ["a reserved bit of a context entry", (tables) => tables.contextSlot(0x0300), 1n << 4n, "UnexpectedBit"],
    ["faults that are not recorded", (tables) => tables.contextSlot(0x0300), 2n, "FaultsHidden"],
    ["pass-through", (tables) => tables.contextSlot(0x0018), 2n << 2n, "WrongTranslation"],
    ["the reserved translation type", (tables) => tables.contextSlot(0x0018), 3n << 2n, "WrongTranslation"],
    ["a device TLB that was not asked for", (tables) => tables.contextSlot(0x0018), 1n << 2n, "WrongTranslation"],
    ["a device TLB that is missing", (tables) => tables.contextSlot(0x0300), 1n << 2n, "WrongTranslation"],
    ["another table", (tables) => tables.contextSlot(0x0018), FIRST ^ SECOND, "WrongTable"],
    ["a table beyond 52 bits", (tables) => tables.contextSlot(0x0018), 1n << 63n, "WrongTable"],
    ["another width", (tables) => tables.contextSlot(0x0018) + 8n, 1n, "WrongWidth"],
    ["another domain", (tables) => tables.contextSlot(0x0018) + 8n, 3n << 8n, "WrongDomain"],
    ["a domain of 16 bits", (tables) => tables.contextSlot(0x0018) + 8n, 1n << 23n, "WrongDomain"],
    ["an available bit", (tables) => tables.contextSlot(0x0018) + 8n, 1n << 3n, "UnexpectedBit"],
    ["a reserved bit beside the domain", (tables) => tables.contextSlot(0x0018) + 8n, 1n << 24n, "UnexpectedBit"],
  ])("%s", (...change) => expectRefused(false, change));
});

describe("scalable form refuses", () => {
  test.each<Change>([
    ["a reserved bit of a lower root entry", (tables) => tables.rootSlot(0x0300), 2n, "UnexpectedBit"],
    ["a reserved bit of an upper root entry", (tables) => tables.rootSlot(0xff80), 1n << 11n, "UnexpectedBit"],
    ["faults that are not recorded", (tables) => tables.contextSlot(0x0300), 2n, "FaultsHidden"],
    ["a device TLB that was not asked for", (tables) => tables.contextSlot(0x0018), 1n << 2n, "WrongTranslation"],
    ["requests with a PASID", (tables) => tables.contextSlot(0x0018), 1n << 3n, "UnexpectedBit"],
    ["page requests", (tables) => tables.contextSlot(0x0018), 1n << 4n, "UnexpectedBit"],
    ["a larger PASID directory", (tables) => tables.contextSlot(0x0018), 1n << 9n, "UnexpectedBit"],
    ["another PASID for requests without one", (tables) => tables.contextSlot(0x0018) + 8n, 1n, "UnexpectedBit"],
    ["a reserved part of a context entry", (tables) => tables.contextSlot(0x0018) + 24n, 1n << 40n, "UnexpectedBit"],
    ["a missing PASID table", (tables) => tables.directorySlot(0x0018), 1n, "SourceMissing"],
    ["a PASID directory entry that hides faults", (tables) => tables.directorySlot(0x0018), 2n, "FaultsHidden"],
    ["a reserved bit of a PASID directory entry", (tables) => tables.directorySlot(0x0018), 4n, "UnexpectedBit"],
    ["a second PASID table", (tables) => tables.directorySlot(0x0018) + 8n * 127n, 0x200_0001n, "UnknownPasid"],
    ["a missing PASID entry", (tables) => tables.pasidSlot(0x0018), 1n, "SourceMissing"],
    ["a PASID entry that hides faults", (tables) => tables.pasidSlot(0x0018), 2n, "FaultsHidden"],
    ["first-level translation", (tables) => tables.pasidSlot(0x0018), 3n << 6n, "WrongTranslation"],
    ["nested translation", (tables) => tables.pasidSlot(0x0018), 1n << 6n, "WrongTranslation"],
    ["pass-through", (tables) => tables.pasidSlot(0x0018), 6n << 6n, "WrongTranslation"],
    ["another width", (tables) => tables.pasidSlot(0x0018), 1n << 2n, "WrongWidth"],
    ["execute rights", (tables) => tables.pasidSlot(0x0018), 1n << 5n, "UnexpectedBit"],
    ["accessed and dirty bits", (tables) => tables.pasidSlot(0x0018), 1n << 9n, "UnexpectedBit"],
    ["another table", (tables) => tables.pasidSlot(0x0018), FIRST ^ SECOND, "WrongTable"],
    ["another domain", (tables) => tables.pasidSlot(0x0018) + 8n, 3n, "WrongDomain"],
    ["a bit beside the domain", (tables) => tables.pasidSlot(0x0018) + 8n, 1n << 16n, "UnexpectedBit"],
    ["a first-level table", (tables) => tables.pasidSlot(0x0018) + 16n, 0x5000n, "UnexpectedBit"],
    ["a reserved part of a PASID entry", (tables) => tables.pasidSlot(0x0018) + 56n, 1n, "UnexpectedBit"],
    ["a second PASID", (tables) => tables.pasidSlot(0x0018) + 64n, FIRST | (2n << 6n) | 9n, "UnknownPasid"],
    ["a last PASID", (tables) => tables.pasidSlot(0x0018) + 64n * 63n, FIRST | (2n << 6n) | 9n, "UnknownPasid"],
  ])("%s", (...change) => expectRefused(true, change));
});
