import { EntryMode, EntryState, Mailbox } from "../interface";

/** 64-bit mode with identity tables at `tables` and a GDT at `descriptors`; RSI = `bootParameters`. */
export function enterLong64(entry: u64, stack: u64, bootParameters: u64, tables: u64, descriptors: u64): void {
  put(EntryState.Mode, EntryMode.Long64);
  put(EntryState.Rip, entry);
  put(EntryState.Rsp, stack);
  put(EntryState.Rsi, bootParameters);
  put(EntryState.Rbx, 0);
  put(EntryState.Cr3, tables);
  put(EntryState.GdtBase, descriptors);
}

/** 32-bit protected mode, flat segments, paging off; EBX = `startInfo`. */
export function enterFlat32(entry: u64, stack: u64, startInfo: u64): void {
  put(EntryState.Mode, EntryMode.Flat32);
  put(EntryState.Rip, entry);
  put(EntryState.Rsp, stack);
  put(EntryState.Rsi, 0);
  put(EntryState.Rbx, startInfo);
  put(EntryState.Cr3, 0);
  put(EntryState.GdtBase, 0);
}

// @ts-ignore: decorator
@inline
function put(field: u32, value: u64): void {
  store<u64>(Mailbox.Entry + field, value);
}
