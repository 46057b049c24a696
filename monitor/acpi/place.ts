// Brings the ACPI tables into the reserved part of the guest's first MiB: for guests that no firmware of their own starts.

import { store8 } from "../imports";
import { RSDP_ADDRESS } from "../interface";
import { Rsdp, writeRsdpChecksums } from "./rsdp";
import { checksumPosition, tableCount, tableLength, tablePosition } from "./table-header";
import { makeTables } from "./tables";
import { bufferAddress, byteAt, pointerCount, pointerPosition, pointerWidth, writeChecksum } from "./writer";

/** The tables follow the RSDP; a FACS lies at a multiple of 64. */
const TABLES_ADDRESS: u64 = RSDP_ADDRESS + 64;

export function writeAcpiTables(): void {
  const rsdp = makeTables();
  relocate(rsdp);
  copyToGuest(TABLES_ADDRESS, 0, rsdp);
  copyToGuest(RSDP_ADDRESS, rsdp, Rsdp.Size);
}

/** Turns every pointer into a guest-physical address, which changes the checksums. */
function relocate(rsdp: u32): void {
  for (let index: u32 = 0; index < pointerCount(); index++) {
    const at = bufferAddress(pointerPosition(index));
    if (pointerWidth(index) == 8) store<u64>(at, load<u64>(at) + TABLES_ADDRESS);
    else store<u32>(at, load<u32>(at) + <u32>TABLES_ADDRESS);
  }
  for (let index: u32 = 0; index < tableCount(); index++) writeChecksum(tablePosition(index), tableLength(index), checksumPosition(index));
  writeRsdpChecksums(rsdp);
}

/** `length` bytes of the buffer from `position` on. */
export function copyToGuest(address: u64, position: u32, length: u32): void {
  for (let index: u32 = 0; index < length; index++) store8(address + index, <u8>byteAt(position + index));
}
