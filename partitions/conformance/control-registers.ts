// CR0, CR3, CR4 and CR8: reserved bits, and bits that a hypervisor keeps for itself (SDM 3A 2.5).

import { readCr4, writeCr4 } from "../runtime/attempt";
import { readCr0, readCr3, readCr8, writeCr0, writeCr3, writeCr8 } from "../runtime/instructions";
import { check, checkDone, checkProtected } from "./check";

const CR0_NE: u64 = 1 << 5;
const CR0_NW: u64 = 1 << 29;
const CR0_CD: u64 = 1 << 30;
const CR0_PE: u64 = 1 << 0;
const CR0_PG: u64 = 1 << 31;
const CR4_PAE: u64 = 1 << 5;
const CR4_LA57: u64 = 1 << 12;
const CR4_VMXE: u64 = 1 << 13;
const CR4_SMXE: u64 = 1 << 14;
const CR4_CET: u64 = 1 << 23;

export function checkControlRegisters(): void {
  checkCr0();
  checkCr4();
  checkProtected("CR3 beyond the physical addresses", writeCr3(readCr3() | (<u64>1 << 51)));
  checkDone("CR8", writeCr8(9));
  check("CR8 reads back", readCr8(), 9);
  writeCr8(0);
  checkProtected("CR8 reserved bit", writeCr8(0x10));
}

function checkCr0(): void {
  const before = readCr0();
  checkKeptCr0("CR0.NE set", before | CR0_NE);
  checkKeptCr0("CR0.NE cleared", before & ~CR0_NE);
  checkKeptCr0("CR0.CD", before | CR0_CD);
  checkKeptCr0("CR0.CD with NW", before | CR0_CD | CR0_NW);
  checkProtected("CR0.NW without CD", writeCr0((before & ~CR0_CD) | CR0_NW));
  checkProtected("CR0.PG without PE", writeCr0(before & ~CR0_PE));
  checkProtected("CR0.PG cleared in 64-bit mode", writeCr0(before & ~CR0_PG));
  checkProtected("CR0 upper half", writeCr0(before | (<u64>1 << 32)));
  check("CR0 after refused writes", readCr0(), before);
}

function checkKeptCr0(name: string, value: u64): void {
  const before = readCr0();
  writeCr0(value);
  check(name, readCr0(), value);
  writeCr0(before);
}

function checkCr4(): void {
  const before = readCr4();
  checkProtected("CR4.VMXE", writeCr4(before | CR4_VMXE));
  checkProtected("CR4.SMXE", writeCr4(before | CR4_SMXE));
  checkProtected("CR4.LA57", writeCr4(before | CR4_LA57));
  checkProtected("CR4.CET", writeCr4(before | CR4_CET));
  checkProtected("CR4 reserved bit", writeCr4(before | (<u64>1 << 31)));
  checkProtected("CR4 upper half", writeCr4(before | (<u64>1 << 63)));
  checkProtected("CR4.PAE cleared in 64-bit mode", writeCr4(before & ~CR4_PAE));
  check("CR4 after refused writes", readCr4(), before);
}
