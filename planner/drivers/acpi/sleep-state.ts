// The \_S5 package, which holds what the PM1 control registers want to hear to switch the machine off
// (ACPI 6.4 section 7.4.2). Firmware states it as a literal, so that a search finds it without an AML interpreter.

import { load8, load32 } from "../../../kernel/memory/physical";
import { dsdtAddress } from "./fadt";
import { tableAddress, tableCount, tableLength, validLength } from "./tables";

/** AML, ACPI 6.4 section 20.2. */
const enum Aml {
  Name = 0x08,
  BytePrefix = 0x0a,
  WordPrefix = 0x0b,
  DWordPrefix = 0x0c,
  Package = 0x12,
  Root = 0x5c, // the backslash
}

const DSDT: u32 = 0x54445344;
const SSDT: u32 = 0x54445353;
const S5_NAME: u32 = 0x5f35535f; // "_S5_"
const HEADER_SIZE: u32 = 36;
/** SLP_TYP has three bits. */
const SLEEP_TYPE_MASK: u8 = 7;

let sleepTypeA: u8 = 0;
let sleepTypeB: u8 = 0;

/** SLP_TYPa and SLP_TYPb, once findSleepState() found them. */
export function s5TypeA(): u8 { return sleepTypeA; }
export function s5TypeB(): u8 { return sleepTypeB; }

/** Looks for \_S5 in the DSDT and the SSDTs; false if it is not there. */
export function findSleepState(): bool {
  const dsdt = dsdtAddress();
  const length = validLength(dsdt, DSDT);
  if (length != 0 && searchTable(dsdt, length)) return true;
  for (let i: u32 = 0; i < tableCount(); i++) {
    const table = tableAddress(i);
    if (validLength(table, SSDT) != 0 && searchTable(table, tableLength(table))) return true;
  }
  return false;
}

function searchTable(table: u64, length: u32): bool {
  // The name, its package header and two elements take at least ten bytes.
  for (let offset = HEADER_SIZE + 2; offset + 10 <= length; offset++) {
    const name = table + offset;
    if (load32(name) != S5_NAME) continue;
    const before = load8(name - 1);
    const isName = before == <u8>Aml.Name || (before == <u8>Aml.Root && load8(name - 2) == <u8>Aml.Name);
    if (isName && parsePackage(name + 4, table + length)) return true;
  }
  return false;
}

function parsePackage(start: u64, end: u64): bool {
  if (load8(start) != <u8>Aml.Package) return false;
  // PkgLength: bits 7:6 of its first byte count the bytes that follow; then NumElements.
  const first = start + 1 + 1 + (load8(start + 1) >> 6) + 1;
  const elements = load8(first - 1);
  if (elements < 1 || first >= end) return false;
  sleepTypeA = elementValue(first);
  const second = first + elementSize(first);
  sleepTypeB = elements >= 2 && second < end ? elementValue(second) : sleepTypeA;
  return true;
}

function elementSize(address: u64): u32 {
  switch (<u32>load8(address)) {
    case Aml.BytePrefix: return 2;
    case Aml.WordPrefix: return 3;
    case Aml.DWordPrefix: return 5;
    default: return 1;
  }
}

function elementValue(address: u64): u8 {
  const value = elementSize(address) == 1 ? load8(address) : load8(address + 1);
  return value & SLEEP_TYPE_MASK;
}
