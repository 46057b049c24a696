// Names of functions by address, from the table that the build links in last (scripts/build/symbols.ts):
//
//   u32 count; u32 names           offset of the names from the start of the table
//   { u32 address; u32 name; }     by rising address: low half of it, offset from the start of the names; the last one marks
//                                  the end of the text and has no name
//   zero-ended names

import { printByte } from "../console/print";
import { IMAGE_BASE } from "../memory/layout";
import { load32, load8 } from "../memory/physical";
import { ImageSymbol, imageAddress } from "./stub";

const enum Table {
  Count = 0,
  Names = 4,
  Symbols = 8,
  SymbolSize = 8,
}

const LONGEST_NAME: u32 = 96;

/** Whether a virtual address lies in the image's code. */
export function isInText(address: u64): bool {
  const physical = address - IMAGE_BASE;
  return physical >= imageAddress(ImageSymbol.TextStart) && physical < imageAddress(ImageSymbol.TextEnd);
}

/** Prints the name of the function that holds `address`; false if there is none. */
export function printFunction(address: u64): bool {
  const table = imageAddress(ImageSymbol.Symbols);
  const count = load32(table + Table.Count);
  if (count == 0 || !isInText(address)) return false;
  const symbol = table + Table.Symbols + <u64>findSymbol(table, count, <u32>address) * Table.SymbolSize;
  if (load32(symbol) > <u32>address) return false;
  const name = table + load32(table + Table.Names) + load32(symbol + 4);
  for (let i: u32 = 0; i < LONGEST_NAME && load8(name + i) != 0; i++) printByte(load8(name + i));
  return load8(name) != 0;
}

/** Index of the last symbol that starts at or below the address. */
function findSymbol(table: u64, count: u32, address: u32): u32 {
  let low: u32 = 0;
  let high = count;
  while (high - low > 1) {
    const middle = low + (high - low) / 2;
    if (load32(table + Table.Symbols + <u64>middle * Table.SymbolSize) <= address) low = middle;
    else high = middle;
  }
  return low;
}
