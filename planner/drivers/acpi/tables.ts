// ACPI tables of the real machine, ACPI 6.4 section 5.2: the RSDP, the RSDT or XSDT, and a search by signature.

import { load8, load32, load64 } from "../../../kernel/memory/physical";

export const enum AcpiStatus {
  Done = 0,
  RsdpMissing = 1,
  RsdpChecksum = 2,
  /** The RSDP names neither an RSDT nor an XSDT. */
  RootMissing = 3,
  /** Wrong signature, length or checksum of the RSDT and of the XSDT. */
  RootMalformed = 4,
  TableMissing = 5,
  /** A length that does not fit, or a wrong checksum. */
  TableMalformed = 6,
}

const enum Rsdp {
  Signature = 0, // 8 bytes
  Revision = 15, // 0 for ACPI 1.0
  RsdtAddress = 16, // u32
  Size1 = 20, // of the part that ACPI 1.0 has and its checksum covers
  Length = 20, // u32
  XsdtAddress = 24, // u64
  Size2 = 36,
}

/** System description table header, 5.2.6. */
const enum Header {
  Signature = 0,
  Length = 4, // u32
  Size = 36,
}

const RSDP_SIGNATURE: u64 = 0x2052545020445352; // "RSD PTR "
const XSDT: u32 = 0x54445358;
const RSDT: u32 = 0x54445352;
/** Longer tables are taken for garbage. */
const MAXIMUM_LENGTH: u32 = 1 << 24;

/** Real-mode segment of the extended BIOS data area. */
const EBDA_SEGMENT: u64 = 0x40e;
const EBDA_SEARCH: u64 = 1024;
const BIOS_START: u64 = 0xe0000;
const BIOS_END: u64 = 0x100000;

/** RSDT or XSDT in use; 0 before findTables(). */
let root: u64 = 0;
let rootLength: u32 = 0;
/** 4 for the RSDT, 8 for the XSDT. */
let pointerSize: u32 = 4;

function hasZeroSum(address: u64, length: u32): bool {
  let sum: u8 = 0;
  for (let i: u32 = 0; i < length; i++) sum += load8(address + i);
  return sum == 0;
}

/** Length of the table at `address` if header and checksum are good, else 0. */
export function validLength(address: u64, signature: u32): u32 {
  if (address == 0 || load32(address + Header.Signature) != signature) return 0;
  const length = load32(address + Header.Length);
  if (length < <u32>Header.Size || length > MAXIMUM_LENGTH) return 0;
  return hasZeroSum(address, length) ? length : 0;
}

function searchRsdp(start: u64, end: u64): u64 {
  for (let address = start; address < end; address += 16) {
    if (load64(address) == RSDP_SIGNATURE && hasZeroSum(address, Rsdp.Size1)) return address;
  }
  return 0;
}

/** Looks for the RSDP where a PC BIOS puts it, 5.2.5.1; 0 if it is not there. */
export function findRsdp(): u64 {
  const segment = <u64>load8(EBDA_SEGMENT) | (<u64>load8(EBDA_SEGMENT + 1) << 8);
  const ebda = segment << 4;
  if (ebda >= 0x400 && ebda + EBDA_SEARCH <= BIOS_END) {
    const found = searchRsdp(ebda, ebda + EBDA_SEARCH);
    if (found != 0) return found;
  }
  return searchRsdp(BIOS_START, BIOS_END);
}

function useRoot(address: u64, signature: u32, size: u32): bool {
  const length = validLength(address, signature);
  if (length == 0) return false;
  root = address;
  rootLength = length;
  pointerSize = size;
  return true;
}

/** Takes the tables that the RSDP at `rsdp` names; the XSDT is preferred, as 5.2.8 asks. */
export function findTables(rsdp: u64): AcpiStatus {
  root = 0;
  if (rsdp == 0 || load64(rsdp + Rsdp.Signature) != RSDP_SIGNATURE) return AcpiStatus.RsdpMissing;
  if (!hasZeroSum(rsdp, Rsdp.Size1)) return AcpiStatus.RsdpChecksum;
  const rsdt: u64 = load32(rsdp + Rsdp.RsdtAddress);
  const xsdt = extendedRoot(rsdp);
  if (rsdt == 0 && xsdt == 0) return AcpiStatus.RootMissing;
  if (useRoot(xsdt, XSDT, 8) || useRoot(rsdt, RSDT, 4)) return AcpiStatus.Done;
  return AcpiStatus.RootMalformed;
}

/** XSDT address of an RSDP of ACPI 2.0 or later whose extended checksum is good, else 0. */
function extendedRoot(rsdp: u64): u64 {
  if (load8(rsdp + Rsdp.Revision) < 2) return 0;
  const length = load32(rsdp + Rsdp.Length);
  if (length < <u32>Rsdp.Size2 || length > 4096 || !hasZeroSum(rsdp, length)) return 0;
  return load64(rsdp + Rsdp.XsdtAddress);
}

export function tableCount(): u32 {
  return root == 0 ? 0 : (rootLength - Header.Size) / pointerSize;
}

/** Physical address of table `index`, good or not. */
export function tableAddress(index: u32): u64 {
  const slot = root + Header.Size + <u64>(index * pointerSize);
  return pointerSize == 8 ? load64(slot) : load32(slot);
}

/** First good table with this signature (four letters, lowest first), 0 if there is none. */
export function findTable(signature: u32): u64 {
  for (let i: u32 = 0; i < tableCount(); i++) {
    const address = tableAddress(i);
    if (validLength(address, signature) != 0) return address;
  }
  return 0;
}

/** Tells a table that is missing from one that is there and malformed. */
export function tableStatus(signature: u32): AcpiStatus {
  if (findTable(signature) != 0) return AcpiStatus.Done;
  for (let i: u32 = 0; i < tableCount(); i++) {
    if (tableAddress(i) != 0 && load32(tableAddress(i) + Header.Signature) == signature) return AcpiStatus.TableMalformed;
  }
  return AcpiStatus.TableMissing;
}

/** Length of a table that findTable() returned. */
export function tableLength(address: u64): u32 {
  return load32(address + Header.Length);
}
