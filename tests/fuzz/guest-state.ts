// States that a guest may be in when it exits: every mode of the processor, with what SDM 3C 27.3.1 asks of it.

import type { Random } from "./random.ts";
import { F, SEGMENTS } from "./fields.ts";

type Vmcs = Map<number, bigint>;

const IA32E_MODE_GUEST = 1n << 9n;
const VMXE = 1n << 13n;
const MODES = ["real", "protected", "paged", "pae", "compatibility", "long", "long", "long", "v86"] as const;
type Mode = (typeof MODES)[number];

/** Guest-physical addresses of identity tables, see PAGE_TABLES. */
export const TABLES = { long: 0x60_0000n, pae: 0x60_6000n, legacy: 0x60_7000n } as const;
const DIRECTORIES = 0x60_2000n;
/** Bytes of the guest's memory. */
export const GUEST_MEMORY = 0x80_0000;

/** From TABLES.long on: identity tables for the first 4 GiB, 4-level and PAE with 2 MiB pages, 32-bit with 4 MiB pages. */
export const PAGE_TABLES = makePageTables();

function makePageTables(): Buffer {
  const tables = Buffer.alloc(0x8000);
  const offsetOf = (gpa: bigint): number => Number(gpa - TABLES.long);
  tables.writeBigUInt64LE(0x60_1003n, 0);
  for (let gib = 0n; gib < 4n; gib++) {
    const directory = DIRECTORIES + 0x1000n * gib;
    tables.writeBigUInt64LE(directory | 3n, 0x1000 + 8 * Number(gib));
    tables.writeBigUInt64LE(directory | 1n, offsetOf(TABLES.pae) + 8 * Number(gib));
    for (let index = 0n; index < 512n; index++) tables.writeBigUInt64LE((gib << 30n) | (index << 21n) | 0x83n, offsetOf(directory + 8n * index));
  }
  for (let index = 0; index < 1024; index++) tables.writeUInt32LE((index << 22 | 0x83) >>> 0, offsetOf(TABLES.legacy) + 4 * index);
  return tables;
}

/** Puts the guest into a random state; `privileged`: at CPL 0. */
export function enterRandomState(vmcs: Vmcs, random: Random, privileged: boolean): void {
  let mode: Mode = random.pick(MODES);
  if (privileged && mode === "v86") mode = "real";
  const cpl = mode === "v86" ? 3n : privileged || mode === "real" || random.once(2) ? 0n : 3n;
  writeControl(vmcs, random, mode);
  writeSegments(vmcs, random, mode, cpl);
  writeFlags(vmcs, random, mode);
  vmcs.set(F.activity, 0n);
  vmcs.set(F.sysenterEsp, 0n);
  vmcs.set(F.rsp, random.once(3) ? random.operand() : BigInt(random.below(GUEST_MEMORY)));
  vmcs.set(F.rip, instructionPointer(random, mode));
}

/** 15 bytes before an edge at which RIP would leave what its mode allows: no processor fetches an instruction across it. */
function instructionPointer(random: Random, mode: Mode): bigint {
  if (mode === "real" || mode === "v86") return BigInt(random.below(0xfff0));
  if (mode === "long" && random.once(4)) return 0xffff_8000_0000_0000n + BigInt(random.word());
  return BigInt(random.once(4) ? random.below(0xffff_ffe0) : 0x1000 + random.below(0x50_0000));
}

function writeControl(vmcs: Vmcs, random: Random, mode: Mode): void {
  const isLong = mode === "long" || mode === "compatibility";
  const isPaged = isLong || mode === "paged" || mode === "pae" || (mode === "v86" && random.once(2));
  const isProtected = mode !== "real";
  const shadow = BigInt(random.word() & 0x5_000e) | (BigInt(random.word() & 3) << 29n) | 0x10n;
  const cr0 = (shadow & ~(3n << 29n)) | 0x20n | (isProtected ? 1n : 0n) | (isPaged ? 1n << 31n : 0n);
  vmcs.set(F.cr0, cr0);
  // NW without CD is no state of a processor.
  vmcs.set(F.cr0Shadow, cr0 | (shadow & (1n << 30n)) | (shadow & (1n << 30n) ? shadow & (1n << 29n) : 0n));
  const usesPae = isLong || mode === "pae";
  let cr4 = BigInt(random.word()) & 0x35_07dfn;
  if (usesPae) cr4 |= 0x20n;
  if (mode === "long" && random.once(4)) cr4 |= 1n << 17n;
  if (mode === "paged" || mode === "v86") cr4 |= 0x10n;
  vmcs.set(F.cr4Shadow, cr4);
  vmcs.set(F.cr4, cr4 | VMXE);
  vmcs.set(F.efer, isLong ? 0x500n | (random.once(2) ? 0x801n : 0n) : isPaged ? 0n : random.once(2) ? 0x100n : 0n);
  vmcs.set(F.cr3, pageTables(random, mode));
  const controls = vmcs.get(F.entryControls) ?? 0n;
  vmcs.set(F.entryControls, isLong ? controls | IA32E_MODE_GUEST : controls & ~IA32E_MODE_GUEST);
  for (const field of [F.pdpte0, F.pdpte1, F.pdpte2, F.pdpte3]) vmcs.set(field, 0n);
}

function pageTables(random: Random, mode: Mode): bigint {
  if (random.once(8)) return BigInt(random.below(GUEST_MEMORY)) & ~0xfffn;
  if (random.once(32)) return BigInt(random.word()) << 12n & 0xf_ffff_f000n;
  return mode === "pae" ? TABLES.pae : mode === "paged" || mode === "v86" ? TABLES.legacy : TABLES.long;
}

function writeSegments(vmcs: Vmcs, random: Random, mode: Mode, cpl: bigint): void {
  const isReal = mode === "real" || mode === "v86";
  for (let index = 0; index < 6; index++) {
    const { selector, base, limit, rights } = SEGMENTS[index]!;
    const name = isReal ? BigInt(random.below(0x8000)) : 8n * BigInt(index + 1) | cpl;
    vmcs.set(selector, name);
    vmcs.set(base, isReal ? name << 4n : mode === "long" && index < 4 ? 0n : random.once(4) ? BigInt(random.word()) : 0n);
    vmcs.set(limit, isReal ? 0xffffn : 0xffff_ffffn);
    vmcs.set(rights, mode === "v86" ? 0xf3n : mode === "real" ? (index === 1 ? 0x9bn : 0x93n) : (index === 1 ? (mode === "long" ? 0xa09bn : 0xc09bn) : 0xc093n) | (cpl << 5n));
  }
}

function writeFlags(vmcs: Vmcs, random: Random, mode: Mode): void {
  let flags = (BigInt(random.word()) & 0x25_7fd5n & ~0x100n) | 2n;
  if (random.once(2)) flags |= 0x200n;
  if (random.once(16)) flags |= 0x100n;
  if (mode === "v86") flags |= 1n << 17n;
  const steps = (flags & 0x100n) !== 0n;
  const shadow = random.below(8);
  const interruptibility = shadow === 0 && flags & 0x200n && !steps ? 1n : shadow === 1 ? 2n : shadow === 2 ? 8n : 0n;
  vmcs.set(F.rflags, flags);
  vmcs.set(F.interruptibility, interruptibility);
  vmcs.set(F.pendingDebug, interruptibility === 2n && steps ? 0x4000n : 0n);
  vmcs.set(F.debugctl, 0n);
  vmcs.set(F.dr7, 0x400n);
}
