import { EntryMode, EntryState, Mailbox } from "../interface";

/** 64-bit mode with identity tables at `tables` and a GDT at `descriptors`; RSI = `bootParameters`. */
export function enterLong64(entry: u64, stack: u64, bootParameters: u64, tables: u64, descriptors: u64): void {
  begin(EntryMode.Long64, entry);
  put(EntryState.Rsp, stack);
  put(EntryState.Rsi, bootParameters);
  put(EntryState.Cr3, tables);
  put(EntryState.GdtBase, descriptors);
}

/** 32-bit protected mode, flat segments, paging off, no stack; EAX = `magic`, EBX = `information`. */
export function enterFlat32(entry: u64, magic: u64, information: u64): void {
  begin(EntryMode.Flat32, entry);
  put(EntryState.Rax, magic);
  put(EntryState.Rbx, information);
}

/** Real mode at the linear address `entry`, below 1 MiB. */
export function enterReal(entry: u64): void {
  begin(EntryMode.Real, entry);
}

/** The reset vector, with the state after power-up. */
export function enterReset(): void {
  begin(EntryMode.Reset, 0);
}

function begin(mode: EntryMode, entry: u64): void {
  memory.fill(<usize>Mailbox.Entry, 0, <usize>EntryState.Rax + 8);
  put(EntryState.Mode, mode);
  put(EntryState.Rip, entry);
}

// @ts-ignore: decorator
@inline
function put(field: u32, value: u64): void {
  store<u64>(Mailbox.Entry + field, value);
}
