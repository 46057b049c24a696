// A page that one vCPU unmaps while another one reads it: from the IPI on (SDM 3A 5.10.5) the other one's reads fault.

import { Exception, readMemory32, readMemory64, writeMemory64 } from "../runtime/attempt";
import { readCr3, writeCr3 } from "../runtime/instructions";
import { pause } from "../runtime/processors";
import { takeInterrupts } from "../runtime/processor";

/** Linear address that nothing else uses, and the partition's own 2 MiB that it is to mean. */
const PAGE: u64 = 0x40000000;
const TARGET: u64 = 0x200000;
const PRESENT_WRITABLE_LARGE: u64 = 0x83;
const TABLE_ADDRESS: u64 = 0x000ffffffffff000;
const NMI_VECTOR: u32 = 2;

/** What each of the two has read. */
const scratch: usize = memory.data(8, 8);
const otherScratch: usize = memory.data(8, 8);
/** What the other vCPU's read met last, all ones before the first; how many it did; whether it has flushed. */
const met: usize = memory.data(4, 4);
const reads: usize = memory.data(4, 4);
const isFlushed: usize = memory.data(4, 4);

/** Maps the page, before the other vCPU reads. */
export function mapPage(): void {
  store<u32>(met, u32.MAX_VALUE);
  store<u32>(isFlushed, 0);
  takeInterrupts(NMI_VECTOR);
  writeMemory64(directoryEntry(), TARGET | PRESENT_WRITABLE_LARGE);
  writeCr3(readCr3());
}

/** The other vCPU: reads the page, and flushes its translations at an NMI. */
export function readPage(): void {
  for (;; pause()) {
    store<u32>(met, readMemory32(PAGE, otherScratch));
    store<u32>(reads, load<u32>(reads) + 1);
    if (takeInterrupts(NMI_VECTOR) == 0) continue;
    writeCr3(readCr3());
    store<u32>(isFlushed, 1);
  }
}

/** Waits for two reads that begin from now on; the exception that the last one met. */
export function nextRead(): u32 {
  const before = load<u32>(reads);
  while (load<u32>(reads) - before < 2) pause();
  return load<u32>(met);
}

export function unmapPage(): void {
  writeMemory64(directoryEntry(), 0);
  writeCr3(readCr3());
}

export function awaitFlush(): void {
  while (load<u32>(isFlushed) == 0) pause();
}

/** Whether this vCPU's own read faults. */
export function isUnmappedHere(): bool { return readMemory32(PAGE, scratch) == Exception.PageFault; }

function directoryEntry(): u64 {
  const pointers = tableAt((readCr3() & TABLE_ADDRESS) + ((PAGE >> 39) & 511) * 8);
  return tableAt(pointers + ((PAGE >> 30) & 511) * 8) + ((PAGE >> 21) & 511) * 8;
}

function tableAt(entry: u64): u64 {
  readMemory64(entry, scratch);
  return load<u64>(scratch) & TABLE_ADDRESS;
}
