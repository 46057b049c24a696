// Random and damaged rings: the virtual disk and a naive model of it must do the same to memory and disk, byte for byte.

import { expect, test } from "vitest";
import { Random } from "../decoder/native/random.ts";
import { AVAILABLE, BUFFERS, DESCRIPTORS, type DiskDriver, FLAG, patternDisk, SECTOR, type Segment, startWithDisk, USED } from "./virtio-driver.ts";

const ROUNDS = 1500;
const QUEUE_SIZE = 4;
const SECTORS = 16;
const INDIRECT_TABLE = BUFFERS + 0x8000;
const LONGEST_CHAIN = 256;

/** What the device is to do, written from virtio 1.2 2.7 and 5.2.6, a byte at a time. */
class Model {
  taken = 0;
  #used = 0;
  needsReset = false;
  answered = 0;

  constructor(public memory: Buffer, public disk: Buffer) {}

  #isRam(gpa: bigint, length: number): boolean {
    return gpa + BigInt(length) <= BigInt(this.memory.length);
  }

  #load(gpa: bigint, size: number): bigint {
    const at = BigInt.asUintN(64, gpa);
    if (!this.#isRam(at, size)) return (1n << BigInt(8 * size)) - 1n;
    return Array.from({ length: size }, (_, index) => BigInt(this.memory[Number(at) + index]!) << BigInt(8 * index)).reduce((sum, part) => sum | part, 0n);
  }

  #store(gpa: bigint, size: number, value: bigint): void {
    if (!this.#isRam(gpa, size)) return;
    for (let index = 0; index < size; index++) this.memory[Number(gpa) + index] = Number((value >> BigInt(8 * index)) & 0xffn);
  }

  run(): void {
    while (!this.needsReset) {
      const waiting = (Number(this.#load(BigInt(AVAILABLE + 2), 2)) - this.taken) & 0xffff;
      if (waiting === 0) return;
      const head = Number(this.#load(BigInt(AVAILABLE + 4 + 2 * (this.taken % QUEUE_SIZE)), 2));
      const chain = waiting > QUEUE_SIZE ? undefined : this.#chain(head);
      if (chain === undefined || !this.#request(head, chain)) this.needsReset = true;
      this.taken = (this.taken + 1) & 0xffff;
    }
  }

  #chain(head: number): { address: bigint; length: number; isWritable: boolean }[] | undefined {
    const chain: { address: bigint; length: number; isWritable: boolean }[] = [];
    let [table, entries, index, isIndirect] = [BigInt(DESCRIPTORS), QUEUE_SIZE, head, false];
    for (;;) {
      if (index >= entries) return undefined;
      const at = table + BigInt(16 * index);
      const [address, length] = [this.#load(at, 8), Number(this.#load(at + 8n, 4))];
      const [flags, next] = [Number(this.#load(at + 12n, 2)), Number(this.#load(at + 14n, 2))];
      if ((flags & FLAG.indirect) !== 0) {
        if (isIndirect || (flags & FLAG.next) !== 0 || length % 16 !== 0) return undefined;
        [table, entries, index, isIndirect] = [address, length / 16, 0, true];
        continue;
      }
      const isWritable = (flags & FLAG.write) !== 0;
      const isMisplaced = !isWritable && chain.some((segment) => segment.isWritable);
      if (chain.length === LONGEST_CHAIN || isMisplaced || address + BigInt(length) >= 1n << 64n) return undefined;
      chain.push({ address, length, isWritable });
      if ((flags & FLAG.next) === 0) return chain;
      index = next;
    }
  }

  /** False if there is no way to answer. */
  #request(head: number, chain: { address: bigint; length: number; isWritable: boolean }[]): boolean {
    const size = (isWritable: boolean): number => chain.filter((segment) => segment.isWritable === isWritable).reduce((sum, { length }) => sum + length, 0);
    const [readable, writable] = [size(false), size(true)];
    if (readable < 16 || writable === 0) return false;
    const header = Array.from({ length: 16 }, (_, index) => this.#load(this.#byteAt(chain, false, index), 1));
    const word = (from: number, count: number): bigint => header.slice(from, from + count).reduce((sum, byte, index) => sum | (byte << BigInt(8 * index)), 0n);
    const { status, written } = this.#carryOut(chain, Number(word(0, 4)), word(8, 8), readable - 16, writable - 1);
    this.#store(this.#byteAt(chain, true, writable - 1), 1, BigInt(status));
    const element = BigInt(USED + 4 + 8 * (this.#used % QUEUE_SIZE));
    this.#store(element, 4, BigInt(head));
    this.#store(element + 4n, 4, BigInt(written + (written + 1 === writable ? 1 : 0)));
    this.#used = (this.#used + 1) & 0xffff;
    this.#store(BigInt(USED + 2), 2, BigInt(this.#used));
    this.answered++;
    return true;
  }

  #byteAt(chain: { address: bigint; length: number; isWritable: boolean }[], isWritable: boolean, index: number): bigint {
    let rest = index;
    for (const segment of chain.filter((one) => one.isWritable === isWritable)) {
      if (rest < segment.length) return segment.address + BigInt(rest);
      rest -= segment.length;
    }
    throw new Error("outside the chain");
  }

  #carryOut(chain: { address: bigint; length: number; isWritable: boolean }[], type: number, sector: bigint, outgoing: number, incoming: number): { status: number; written: number } {
    if (type === 4) return { status: 0, written: 0 };
    if (type === 8) return { status: 0, written: this.#identify(chain, Math.min(incoming, 20)) };
    if (type !== 0 && type !== 1) return { status: 2, written: 0 };
    const length = type === 0 ? incoming : outgoing;
    if (length % SECTOR !== 0 || sector + BigInt(length / SECTOR) > BigInt(SECTORS)) return { status: 1, written: 0 };
    return this.#transfer(chain, type === 0, Number(sector) * SECTOR, length);
  }

  #identify(chain: { address: bigint; length: number; isWritable: boolean }[], count: number): number {
    const name = Buffer.alloc(20);
    name.write("bulkhead disk", "latin1");
    for (let index = 0; index < count; index++) this.#store(this.#byteAt(chain, true, index), 1, BigInt(name[index]!));
    return count;
  }

  /** A segment moves as a whole or not at all. */
  #transfer(chain: { address: bigint; length: number; isWritable: boolean }[], isRead: boolean, start: number, length: number): { status: number; written: number } {
    let [done, skipped] = [0, isRead ? 0 : 16];
    for (const { address, length: size } of chain.filter((one) => one.isWritable === isRead)) {
      const skip = Math.min(size, skipped);
      skipped -= skip;
      const count = Math.min(size - skip, length - done);
      if (count === 0) continue;
      const from = address + BigInt(skip);
      if (!this.#isRam(from, count)) return { status: 1, written: isRead ? done : 0 };
      if (isRead) this.disk.copy(this.memory, Number(from), start + done, start + done + count);
      else this.memory.copy(this.disk, start + done, Number(from), Number(from) + count);
      done += count;
    }
    return { status: 0, written: isRead ? done : 0 };
  }
}

function choose<Item>(random: Random, items: readonly Item[]): Item {
  return items[random.below(items.length)]!;
}

/** Mostly in the memory, sometimes at its end, outside, over the rings or at the end of the address space. */
function address(random: Random): bigint {
  if (random.below(8) !== 0) return BigInt(BUFFERS + random.below(0x4000));
  return choose(random, [0n, BigInt(DESCRIPTORS), BigInt(USED), BigInt((2 << 20) - 100), 0x20_0000n, 0xfee0_0000n, 0x1_0000_0000n, 0xffff_ffff_ffff_ff00n]);
}

function split(random: Random, total: number, isWritable: boolean): Segment[] {
  const pieces: Segment[] = [];
  for (let rest = total; rest > 0 && pieces.length < 6; ) {
    const length = pieces.length === 5 ? rest : random.below(3) === 0 ? random.below(rest + 1) : rest;
    pieces.push({ address: address(random), length, isWritable });
    rest -= length;
  }
  return pieces;
}

/** A request that is right, or nearly, as a chain of any shape; returns its head. */
function putRequest(random: Random, disk: DiskDriver): number {
  const type = choose(random, [0, 0, 0, 1, 1, 1, 4, 8, 7]);
  const length = random.below(6) === 0 ? random.below(2000) : random.below(4) * SECTOR;
  const sector = random.below(12) === 0 ? random.below(0x7fff_ffff) : random.below(SECTORS + 1);
  const header = BUFFERS + 0x6000 + random.below(0x1000);
  disk.putHeader(type, sector, header);
  const cut = random.below(3) === 0 ? random.below(17) : 16;
  const parts: Segment[] = [{ address: header, length: cut, isWritable: false }, { address: header + cut, length: 16 - cut, isWritable: false }];
  const chain = [...parts, ...split(random, type === 1 ? length : 0, false), ...split(random, type === 1 ? 0 : length, true), { address: address(random), length: 1, isWritable: true }];
  if (chain.length <= QUEUE_SIZE && random.below(2) === 0) {
    disk.putChain(chain);
    return 0;
  }
  disk.putChain(chain, 0, INDIRECT_TABLE);
  const head = random.below(QUEUE_SIZE);
  disk.putDescriptor(head, INDIRECT_TABLE, chain.length * 16, FLAG.indirect);
  return head;
}

function damage(random: Random, disk: DiskDriver): void {
  for (let count = random.below(3); count > 0; count--) {
    const at = choose(random, [DESCRIPTORS + random.below(16 * QUEUE_SIZE), INDIRECT_TABLE + random.below(100), AVAILABLE + random.below(12)]);
    disk.memory.writeUInt8(choose(random, [0, 1, 2, 3, 4, 5, 7, 16, 0x7f, 0x80, 0xff, random.below(256)]), at);
  }
}

test("device and model agree", async () => {
  const random = new Random(0xd15cn);
  const disk = await startWithDisk({ disk: patternDisk(SECTORS) });
  const { partition } = disk;
  let model = new Model(Buffer.alloc(0), Buffer.alloc(0));
  const verdicts = { answered: 0, resets: 0 };
  disk.initialise({ size: QUEUE_SIZE });
  for (let round = 0; round < ROUNDS; round++) {
    const head = putRequest(random, disk);
    disk.memory.writeUInt16LE(head, AVAILABLE + 4 + 2 * (model.taken % QUEUE_SIZE));
    disk.memory.writeUInt16LE((model.taken + 1) & 0xffff, AVAILABLE + 2);
    if (random.below(3) === 0) damage(random, disk);
    model.memory = Buffer.from(disk.memory);
    model.disk = Buffer.from(partition.disk);
    model.run();
    disk.notify();
    partition.advance(1_000_000n);
    expect(disk.needsReset, `round ${round}`).toBe(model.needsReset);
    expect(disk.memory.equals(model.memory), `memory in round ${round}`).toBe(true);
    expect(partition.disk.equals(model.disk), `disk in round ${round}`).toBe(true);
    verdicts.answered += model.answered;
    model.answered = 0;
    if (!model.needsReset) continue;
    verdicts.resets++;
    disk.initialise({ size: QUEUE_SIZE });
    model = new Model(model.memory, model.disk);
  }
  expect(verdicts.answered).toBeGreaterThan(ROUNDS / 2);
  expect(verdicts.resets).toBeGreaterThan(ROUNDS / 20);
}, 120_000);
