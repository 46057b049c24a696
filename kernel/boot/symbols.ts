// Names that are data of the image and no code of it, in a table that the build links in last (scripts/build/symbols.ts): texts for
// numbers (kernel/texts.json), and functions by address.
//
//   u32 count; u32 names       offset of the names from the start of the table
//   { u32 key; u32 name; }     by rising key: Text << 16 | number, or the low half of an address; offset from the start of the names.
//                              The last one marks the end of the text and has no name
//   zero-ended names

import { print, printByte, printDecimal } from "../console/print";
import { IMAGE_BASE } from "../memory/layout";
import { load32, load8 } from "../memory/physical";
import { ImageSymbol, imageAddress } from "./stub";

/** Lists of texts, by the name of the enum that numbers them; see kernel/texts.json. */
export const enum Text {
  VmcsField,
  ExitReason,
  FatalReason,
  StopReason,
  LoadStatus,
  PolicyStatus,
  BootStatus,
  EnableStatus,
  Mitigation,
  Exposure,
  /** Exception vectors, SDM 3A table 6-1. */
  Exception,
  /** Why a wasm function trapped: boot/wasm-rt.h. */
  WasmTrap,
  /** Why a unit blocked a request, VT-d 4.1 7.1.3 (conditions of DMA) and 5.1.4.1 (of interrupts). */
  FaultReason,
  /** IQEI, VT-d 4.1 11.4.9.9. */
  QueueError,
  RequestType,
  ResetMethod,
  ResetStatus,
}

const enum Table {
  Count = 0,
  Names = 4,
  Symbols = 8,
  SymbolSize = 8,
}

const LONGEST_NAME: u32 = 128;

/** Whether a virtual address lies in the image's code. */
export function isInText(address: u64): bool {
  const physical = address - IMAGE_BASE;
  return physical >= imageAddress(ImageSymbol.TextStart) && physical < imageAddress(ImageSymbol.TextEnd);
}

/** Prints the name of the function that holds `address`; false if there is none. */
export function printFunction(address: u64): bool { return isInText(address) && printName(findSymbol(<u32>address)); }

export function hasText(list: Text, number: u32): bool {
  const key = textKey(list, number);
  return load32(findSymbol(key)) == key;
}

/** Prints what `number` stands for in its list. */
export function printText(list: Text, number: u32): void {
  if (hasText(list, number)) {
    printName(findSymbol(textKey(list, number)));
  } else {
    print("unknown number ");
    printDecimal(number);
  }
}

function textKey(list: Text, number: u32): u32 { return (list << 16) | (number & 0xffff); }

/** False if it is empty. */
function printName(symbol: u64): bool {
  const table = imageAddress(ImageSymbol.Symbols);
  const name = table + load32(table + Table.Names) + load32(symbol + 4);
  for (let i: u32 = 0; i < LONGEST_NAME && load8(name + i) != 0; i++) printByte(load8(name + i));
  return load8(name) != 0;
}

/** The last symbol whose key is `key` or less, the first one if there is none. */
function findSymbol(key: u32): u64 {
  const symbols = imageAddress(ImageSymbol.Symbols) + Table.Symbols;
  let low: u32 = 0;
  let high = load32(imageAddress(ImageSymbol.Symbols) + Table.Count);
  while (high - low > 1) {
    const middle = low + (high - low) / 2;
    if (load32(symbols + <u64>middle * Table.SymbolSize) <= key) low = middle;
    else high = middle;
  }
  return symbols + <u64>low * Table.SymbolSize;
}
