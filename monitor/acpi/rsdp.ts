import { OEM_ID } from "./table-header";
import { align, put32, put8, putPointer32, putPointer64, putText, putZeros, tell, writeChecksum } from "./writer";

/** Where the two checksums of an RSDP lie, and what they are over, from its start. */
export const enum Rsdp {
  Checksum = 8, // of the first 20 bytes
  Version1Size = 20,
  ExtendedChecksum = 32, // of all 36 bytes
  Size = 36,
}

/** Root System Description Pointer, revision 2 (ACPI 6.4, 5.2.5.3). `rsdt` is 0 if there is none. Returns its position. */
export function writeRsdp(rsdt: u32, xsdt: u32): u32 {
  align(16);
  const rsdp = tell();
  putText("RSD PTR ");
  put8(0); // checksum
  putText(OEM_ID);
  put8(2); // revision
  if (rsdt != 0) putPointer32(rsdt);
  else put32(0);
  put32(Rsdp.Size);
  putPointer64(xsdt);
  put8(0); // extended checksum
  putZeros(3);
  writeRsdpChecksums(rsdp);
  return rsdp;
}

export function writeRsdpChecksums(rsdp: u32): void {
  writeChecksum(rsdp, Rsdp.Version1Size, rsdp + Rsdp.Checksum);
  writeChecksum(rsdp, Rsdp.Size, rsdp + Rsdp.ExtendedChecksum);
}
