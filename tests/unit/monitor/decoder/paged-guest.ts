// A guest whose page tables the decoder must walk.

import { expect } from "vitest";
import { AccessStatus, VcpuFrame } from "../../../../monitor/interface.ts";
import { Parts } from "../parts.ts";

export const CR0_PAGING = 0x80010001n; // PG, WP, PE
export const CR0_WP = 0x10000n;
export const CR4_PSE = 1n << 4n;
export const CR4_PAE = 1n << 5n;
export const CR4_LA57 = 1n << 12n;
export const CR4_SMEP = 1n << 20n;
export const CR4_SMAP = 1n << 21n;
const EFER_LMA = 1n << 10n;
const EFER_NXE = 1n << 11n;
export const RFLAGS_AC = 1n << 18n;
export const CODE_MODE_64 = 1n;
export const CODE_MODE_32 = 2n;
export const USER_MODE = 3n << 2n;

export const PRESENT = 1n;
export const WRITABLE = 2n;
export const USER = 4n;
export const ACCESSED = 0x20n;
export const DIRTY = 0x40n;
export const LARGE = 0x80n;
export const NO_EXECUTE = 1n << 63n;
export const TABLE = PRESENT | WRITABLE | USER;

export const PAGE_FAULT = 14n;
/** Page-fault error code. */
export const ERROR = { present: 1n, write: 2n, user: 4n, fetch: 16n };

export const DEVICE = 0xfee00300n;
export const DEVICE_PAGE = 0xfee00000n;
export const VALUE = 0x1122334455667788n;

export class Guest {
  readonly parts: Parts;

  constructor(module: WebAssembly.Module, cr0: bigint, cr3: bigint, cr4: bigint, efer: bigint, codeMode: bigint) {
    const parts = new Parts(module, 4 * 1024 * 1024);
    this.parts = parts;
    parts.bus = { ...parts.bus, memoryRead: () => VALUE };
    parts.setFrame(VcpuFrame.Cr0, cr0);
    parts.setFrame(VcpuFrame.Cr3, cr3);
    parts.setFrame(VcpuFrame.Cr4, cr4);
    parts.setFrame(VcpuFrame.Efer, efer);
    parts.setFrame(VcpuFrame.CodeMode, codeMode);
  }

  entry(address: bigint, value: bigint): void {
    this.parts.ram.writeBigUInt64LE(BigInt.asUintN(64, value), Number(address));
  }

  entry32(address: bigint, value: bigint): void {
    this.parts.ram.writeUInt32LE(Number(value), Number(address));
  }

  read(address: bigint): bigint {
    return this.parts.ram.readBigUInt64LE(Number(address));
  }

  code(address: bigint, hex: string): void {
    Buffer.from(hex, "hex").copy(this.parts.ram, Number(address));
  }

  executeAt(rip: bigint, gpa = DEVICE): AccessStatus {
    this.parts.setFrame(VcpuFrame.Rip, rip);
    return this.parts.exports.executeMemoryAccess(0, gpa, 0);
  }

  /** A #PF. */
  get fault(): { address: bigint; error: bigint } {
    expect(this.parts.frame(VcpuFrame.CodeMode) >> 32n).toBe(PAGE_FAULT);
    return { address: this.parts.frame(VcpuFrame.LinearAddress), error: this.parts.frame(VcpuFrame.CodeMode) & 0xffffffffn };
  }
}

export const LINEAR = 0xffffffff81234000n;
export const index = (shift: bigint): bigint => ((LINEAR >> shift) & 511n) * 8n;
export const PML4 = 0x1000n;
export const PDPT = 0x2000n;
export const DIRECTORY = 0x3000n;
export const PAGE_TABLE = 0x4000n;
export const FIRST_PAGE = 0x10000n;
export const SECOND_PAGE = 0x20000n;

/** LINEAR to FIRST_PAGE, the page after it to SECOND_PAGE, by 4 KiB pages. */
export function longModeGuest(module: WebAssembly.Module, extra: { cr4?: bigint; first?: bigint; second?: bigint; codeMode?: bigint; cr0?: bigint } = {}): Guest {
  const { cr4 = 0n, first = TABLE, second = TABLE, codeMode = CODE_MODE_64, cr0 = CR0_PAGING } = extra;
  const guest = new Guest(module, cr0, PML4 | 0x18n, CR4_PAE | cr4, EFER_LMA | EFER_NXE, codeMode);
  guest.entry(PML4 + index(39n), PDPT | TABLE);
  guest.entry(PDPT + index(30n), DIRECTORY | TABLE);
  guest.entry(DIRECTORY + index(21n), PAGE_TABLE | TABLE);
  guest.entry(PAGE_TABLE + index(12n), FIRST_PAGE | first);
  guest.entry(PAGE_TABLE + index(12n) + 8n, SECOND_PAGE | second);
  guest.entry(PAGE_TABLE + index(12n) + 16n, DEVICE_PAGE | (first & USER) | WRITABLE | PRESENT);
  return guest;
}
