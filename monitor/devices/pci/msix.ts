// The virtual MSI-X table and pending bits of each function (PCI 3.0 6.8.2).

import { FunctionMailbox, MAXIMUM_MESSAGES } from "../../interface";
import { configValue, deviceOf } from "./config-space";
import { BAR_COUNT, barAddress, barFlags, barSize, FUNCTION_INDICES, functionField } from "./function-record";
import { sendMessage } from "./message";
import { BaseAddress, MESSAGE_ADDRESS_WRITABLE, MsiX } from "./register";

/** Table entry (PCI 3.0 6.8.2.6). */
export const enum Entry {
  Address = 0x0,
  UpperAddress = 0x4,
  Data = 0x8,
  Control = 0xc, // Vector Control
  Masked = 1 << 0, // in Control
  Size = 0x10,
}

/** Bytes of the pending bits: one 64-bit word, as MAXIMUM_MESSAGES is 64. */
export const PENDING_SIZE: u32 = 8;

const NO_PLACE: u64 = 0;

// @ts-ignore: decorator
@unmanaged export class MessageTable {
  /** Guest-physical addresses of the table and of the pending bits. */
  address: u64;
  pendingAddress: u64;
  /** One bit an entry. */
  pending: u64;
  /** Number of entries, at most MAXIMUM_MESSAGES; 0 if the function has no MSI-X. */
  count: u32;
}

const TABLE_SHIFT: u32 = 5;
const TABLES = memory.data(288, 8); // FUNCTION_INDICES records
const ENTRIES = memory.data(9216, 8); // FUNCTION_INDICES * MAXIMUM_MESSAGES entries

// @ts-ignore: decorator
@inline export function messageTable(index: u32): MessageTable {
  return changetype<MessageTable>(TABLES + (min(index, FUNCTION_INDICES - 1) << TABLE_SHIFT));
}

// @ts-ignore: decorator
@inline function entryField(index: u32, entry: u32, field: u32): usize {
  const number = min(index, FUNCTION_INDICES - 1) * MAXIMUM_MESSAGES + (entry & (MAXIMUM_MESSAGES - 1));
  return ENTRIES + number * Entry.Size + (field & (Entry.Size - 4));
}

/** Where `size` bytes at `location`, an offset and BIR, lie in guest memory; NO_PLACE if no memory BAR holds them. */
function placeOf(index: u32, location: u32, size: u32): u64 {
  const bar = location & MsiX.Bir;
  const offset = <u64>(location & ~MsiX.Bir);
  if (bar >= BAR_COUNT || (barFlags(index, bar) & BaseAddress.Io) != 0) return NO_PLACE;
  return offset + size <= barSize(index, bar) ? barAddress(index, bar) + offset : NO_PLACE;
}

/** The state after a reset: every entry masked. A record that fits no BAR gives no MSI-X. */
export function resetMessageTable(index: u32): void {
  const table = messageTable(index);
  const count = min<u32>(functionField(index, FunctionMailbox.MsixControl), MAXIMUM_MESSAGES);
  placeMessageTable(index);
  table.count = table.address != NO_PLACE && table.pendingAddress != NO_PLACE ? count : 0;
  table.pending = 0;
  memory.fill(entryField(index, 0, 0), 0, MAXIMUM_MESSAGES * Entry.Size);
  for (let entry: u32 = 0; entry < MAXIMUM_MESSAGES; entry++) store<u32>(entryField(index, entry, Entry.Control), Entry.Masked);
}

/** Finds table and pending bits in guest memory; to be called when their BAR has moved. */
export function placeMessageTable(index: u32): void {
  const table = messageTable(index);
  const count = min<u32>(functionField(index, FunctionMailbox.MsixControl), MAXIMUM_MESSAGES);
  table.address = placeOf(index, functionField(index, FunctionMailbox.MsixTable), count * Entry.Size);
  table.pendingAddress = placeOf(index, functionField(index, FunctionMailbox.MsixPending), PENDING_SIZE);
}

function isMasked(index: u32, entry: u32): bool {
  if ((configValue(deviceOf(index), MsiX.Control) & MsiX.FunctionMask) != 0) return true;
  return (readEntry(index, entry, Entry.Control) & Entry.Masked) != 0;
}

export function isMsiXEnabled(index: u32): bool {
  return (configValue(deviceOf(index), MsiX.Control) & <u32>MsiX.Enable) != 0;
}

/** Sends now, or when the masks are taken away. With MSI-X off the function has no way to interrupt. */
export function sendMsiX(index: u32, entry: u32): void {
  const table = messageTable(index);
  if (entry >= table.count || !isMsiXEnabled(index)) return;
  const bit = (<u64>1) << entry;
  if (isMasked(index, entry)) {
    table.pending |= bit;
    return;
  }
  table.pending &= ~bit;
  const address = (<u64>readEntry(index, entry, Entry.UpperAddress) << 32) | readEntry(index, entry, Entry.Address);
  sendMessage(address, readEntry(index, entry, Entry.Data));
}

function sendIfPending(index: u32, entry: u32): void {
  if (((messageTable(index).pending >> entry) & 1) != 0) sendMsiX(index, entry);
}

/** The guest has written Message Control: sends what no mask holds back any more, forgets all with MSI-X off. */
export function onMsiXControlWrite(index: u32): void {
  const table = messageTable(index);
  if (!isMsiXEnabled(index)) table.pending = 0;
  for (let entry: u32 = 0; entry < table.count; entry++) sendIfPending(index, entry);
}

/** A 32-bit field of an entry below the table's count. */
export function readEntry(index: u32, entry: u32, field: u32): u32 {
  return load<u32>(entryField(index, entry, field));
}

function writableField(field: u32): u32 {
  if (field == Entry.Address) return MESSAGE_ADDRESS_WRITABLE;
  return field == Entry.Control ? Entry.Masked : u32.MAX_VALUE;
}

export function writeEntry(index: u32, entry: u32, field: u32, value: u32): void {
  store<u32>(entryField(index, entry, field), value & writableField(field));
  if (field == Entry.Control) sendIfPending(index, entry);
}
