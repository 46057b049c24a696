import { OEM_ID } from "./table-header";
import { put32, put64, put8, putText, putZeros, seek, writeChecksum } from "./writer";

const enum Rsdp {
  Checksum = 8, // of the first 20 bytes
  Version1Size = 20,
  ExtendedChecksum = 32, // of all 36 bytes
  Size = 36,
}

/** Bytes to keep free for the RSDP at its address. */
export const RSDP_SIZE: u64 = Rsdp.Size;

/** Root System Description Pointer, revision 2 (ACPI 6.4, 5.2.5.3). There is no RSDT: its address is 0. */
export function writeRsdp(address: u64, xsdt: u64): void {
  seek(address);
  putText("RSD PTR ");
  put8(0); // checksum
  putText(OEM_ID);
  put8(2); // revision
  put32(0); // RSDT
  put32(Rsdp.Size);
  put64(xsdt);
  put8(0); // extended checksum
  putZeros(3);
  writeChecksum(address, Rsdp.Version1Size, address + Rsdp.Checksum);
  writeChecksum(address, Rsdp.Size, address + Rsdp.ExtendedChecksum);
}
