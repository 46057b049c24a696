// Descriptor table and task states for hardware task switches: plausible enough that many of them load, random enough that many do not.

import { F, SEGMENTS } from "./fields.ts";
import type { Random } from "./random.ts";

const AT = 0x10_0000;
const DESCRIPTORS = 64;
const OLD_TASK = 0x400;
const NEW_TASK = 0x800;
const SIZE = 0xc00;
const TASK_SELECTOR = 8 * (DESCRIPTORS - 1);
/** Code, data, conforming code, absent ones, an LDT. */
const RIGHTS = [0x9b, 0x93, 0xfb, 0xf3, 0x9f, 0x91, 0x13, 0x1b, 0x82] as const;
const TASK_RIGHTS = [0x89, 0x8b, 0x81, 0x83] as const;
const EFLAGS = 0x24;
const VM = 1 << 17;

/** Sets GDTR and TR; returns what to write where, and the selector to switch to. */
export function prepareTasks(vmcs: Map<number, bigint>, random: Random): { selector: number; at: number; bytes: Buffer } {
  const bytes = Buffer.alloc(SIZE);
  for (let index = 0; index < DESCRIPTORS; index++) writeDescriptor(bytes, index * 8, random, random.once(8) ? 0 : random.once(4) ? random.word() : 0, random.once(16) ? random.word() & 0xff : random.pick(RIGHTS));
  writeDescriptor(bytes, TASK_SELECTOR, random, AT + NEW_TASK, random.pick(TASK_RIGHTS));
  for (let at = OLD_TASK; at < SIZE; at += 2) bytes.writeUInt16LE(random.once(8) ? random.word() & 0xffff : random.once(4) ? 0 : random.below(DESCRIPTORS * 8), at);
  if (random.once(8)) bytes.writeUInt32LE((bytes.readUInt32LE(NEW_TASK + EFLAGS) | VM) >>> 0, NEW_TASK + EFLAGS);
  const task = SEGMENTS[7]!;
  const narrow = random.once(4);
  for (const [field, value] of [[task.selector, 0x18], [task.base, AT + OLD_TASK], [task.limit, 0x67], [task.rights, narrow ? 0x83 : 0x8b], [F.gdtrBase, AT], [F.gdtrLimit, DESCRIPTORS * 8 - 1]] as const) {
    vmcs.set(field, BigInt(value));
  }
  return { selector: random.once(16) ? random.below(0x10000) : TASK_SELECTOR, at: AT, bytes };
}

function writeDescriptor(bytes: Buffer, at: number, random: Random, base: number, rights: number): void {
  const limit = random.once(2) ? 0xfffff : random.word() & 0xfffff;
  bytes.writeUInt32LE(((limit & 0xffff) | (base << 16)) >>> 0, at);
  bytes.writeUInt32LE((((base >>> 16) & 0xff) | (rights << 8) | (limit & 0xf0000) | ((random.word() & 0xf) << 20) | (base & 0xff00_0000)) >>> 0, at + 4);
}
