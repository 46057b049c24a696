// The header that every system description table starts with (ACPI 6.4, 5.2.6).

import { store32 } from "../imports";
import { align, put32, put8, putText, tell, writeChecksum } from "./writer";

export const OEM_ID: string = "BULKHD";
const OEM_TABLE_ID: string = "BULKHEAD";
const CREATOR_ID: string = "BLKD";

const enum Header { Length = 4, Checksum = 9 } // u32, u8

/** Starts a table at the next multiple of 16; returns its address. */
export function beginTable(signature: string, revision: u32): u64 {
  align(16);
  const table = tell();
  putText(signature);
  put32(0); // length, by endTable()
  put8(revision);
  put8(0); // checksum, by endTable()
  putText(OEM_ID);
  putText(OEM_TABLE_ID);
  put32(1); // OEM revision
  putText(CREATOR_ID);
  put32(1); // creator revision
  return table;
}

/** Ends the table that started at `table`: fills in its length and checksum. */
export function endTable(table: u64): void {
  const length = tell() - table;
  store32(table + Header.Length, <u32>length);
  writeChecksum(table, length, table + Header.Checksum);
}
