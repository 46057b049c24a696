// The script by which firmware places the ACPI tables (QEMU hw/acpi/bios-linker-loader.c): allocate the files, add addresses to the
// pointers in them, then add checksums.

import { Rsdp } from "../../acpi/rsdp";
import { checksumPosition, tableCount, tableLength, tablePosition } from "../../acpi/table-header";
import { patch8, pointerCount, pointerPosition, pointerWidth } from "../../acpi/writer";
import { putLittle, putName } from "./items";

export const TABLES_FILE: string = "etc/acpi/tables";
export const RSDP_FILE: string = "etc/acpi/rsdp";

const enum Command { Allocate = 1, AddPointer = 2, AddChecksum = 3 }
const enum Zone { High = 1, FirstMegabyte = 2 }

export const NAME_SIZE: u32 = 56;
/** Bytes of a command's operands. */
const OPERANDS: u32 = 124;
const TABLES_ALIGNMENT: u32 = 64;
const RSDP_ALIGNMENT: u32 = 16;

/** `rsdp` is the position of the RSDP, behind all tables in their buffer. Firmware wants checksum bytes that are 0. */
export function putTableLoader(rsdp: u32): void {
  putAllocate(RSDP_FILE, RSDP_ALIGNMENT, Zone.FirstMegabyte);
  putAllocate(TABLES_FILE, TABLES_ALIGNMENT, Zone.High);
  for (let index: u32 = 0; index < pointerCount(); index++) {
    const at = pointerPosition(index);
    if (at >= rsdp) putAddPointer(RSDP_FILE, at - rsdp, pointerWidth(index));
    else putAddPointer(TABLES_FILE, at, pointerWidth(index));
  }
  for (let index: u32 = 0; index < tableCount(); index++) {
    patch8(checksumPosition(index), 0);
    putAddChecksum(TABLES_FILE, checksumPosition(index), tablePosition(index), tableLength(index));
  }
  patch8(rsdp + Rsdp.Checksum, 0);
  patch8(rsdp + Rsdp.ExtendedChecksum, 0);
  putAddChecksum(RSDP_FILE, Rsdp.Checksum, 0, Rsdp.Version1Size);
  putAddChecksum(RSDP_FILE, Rsdp.ExtendedChecksum, 0, Rsdp.Size);
}

function putAllocate(file: string, alignment: u32, zone: Zone): void {
  putLittle(Command.Allocate, 4);
  putName(file, NAME_SIZE);
  putLittle(alignment, 4);
  putLittle(<u32>zone, 1);
  putLittle(0, 1);
  putName("", OPERANDS - NAME_SIZE - 6);
}

/** Adds the address of the tables to the `width` bytes at `offset` of `file`. */
function putAddPointer(file: string, offset: u32, width: u32): void {
  putLittle(Command.AddPointer, 4);
  putName(file, NAME_SIZE);
  putName(TABLES_FILE, NAME_SIZE);
  putLittle(offset, 4);
  putLittle(width, 1);
  putName("", OPERANDS - 2 * NAME_SIZE - 5);
}

function putAddChecksum(file: string, offset: u32, start: u32, length: u32): void {
  putLittle(Command.AddChecksum, 4);
  putName(file, NAME_SIZE);
  putLittle(offset, 4);
  putLittle(start, 4);
  putLittle(length, 4);
  putName("", OPERANDS - NAME_SIZE - 12);
}
