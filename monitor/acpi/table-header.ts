// The header that every system description table starts with (ACPI 6.4, 5.2.6), and the list of the tables made.

import { align, patch32, put32, put8, putText, tell, writeChecksum } from "./writer";

export const OEM_ID: string = "BULKHD";
const OEM_TABLE_ID: string = "BULKHEAD";
const CREATOR_ID: string = "BLKD";

const enum Header { Length = 4, Checksum = 9 } // u32, u8

const MAXIMUM_TABLES: u32 = 8;
const TABLES = memory.data(64, 8); // MAXIMUM_TABLES pairs of u32: position and length

let tables: u32 = 0;

export function beginTableList(): void {
  tables = 0;
}

/** Tables with a checksum since beginTableList(). */
export function tableCount(): u32 {
  return tables;
}

export function tablePosition(index: u32): u32 {
  return load<u32>(TABLES + (index << 3));
}

export function tableLength(index: u32): u32 {
  return load<u32>(TABLES + (index << 3), 4);
}

export function checksumPosition(index: u32): u32 {
  return tablePosition(index) + Header.Checksum;
}

/** Starts a table at the next multiple of 16; returns its position. */
export function beginTable(signature: string, revision: u32): u32 {
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
export function endTable(table: u32): void {
  const length = tell() - table;
  patch32(table + Header.Length, length);
  writeChecksum(table, length, table + Header.Checksum);
  if (tables == MAXIMUM_TABLES) return;
  store<u32>(TABLES + (tables << 3), table);
  store<u32>(TABLES + (tables << 3), length, 4);
  tables++;
}
