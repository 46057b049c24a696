// A read whose end the disk's pin tells, through the I/O APIC as a level (virtio 1.2 4.1.5.3).

import { readMemory32, writeMemory32 } from "../runtime/attempt";
import { enableLocalApic, endOfInterrupt } from "../runtime/local-apic";
import { takeInterrupts, waitForInterrupt } from "../runtime/processor";
import { allowInterrupts, interruptLine, takeIsr } from "./device";
import { Answer, DATA, Request, request } from "./request";

const IO_APIC: u64 = 0xfec00000;
const WINDOW: u64 = IO_APIC + 0x10;
const FIRST_ENTRY: u32 = 0x10;
const LEVEL: u32 = 1 << 15;
const MASKED: u32 = 1 << 16;
const VECTOR: u32 = 0x5b;
const QUEUE: u32 = 1;

const scratch: usize = memory.data(8, 8);

function writeEntry(value: u32): void {
  writeMemory32(IO_APIC, FIRST_ENTRY + 2 * interruptLine());
  writeMemory32(WINDOW, value);
}

/** Number of interrupts, 0 if the read or its ISR status was not as it must be. Before the ISR status is read, each EOI brings one more. */
export function readByPin(sector: u64): u32 {
  enableLocalApic();
  allowInterrupts(true);
  writeEntry(LEVEL | VECTOR);
  let interrupts: u32 = 0;
  if (request(Request.In, sector, DATA) != Answer.Ok) return 0;
  interrupts += awaitPin();
  endOfInterrupt(); // the pin is still asserted
  interrupts += awaitPin();
  const reason = takeIsr();
  endOfInterrupt();
  interrupts += takeInterrupts(VECTOR);
  writeEntry(MASKED);
  allowInterrupts(false);
  return reason == QUEUE ? interrupts : 0;
}

function awaitPin(): u32 {
  let count: u32 = 0;
  while (count == 0) {
    waitForInterrupt();
    count = takeInterrupts(VECTOR);
  }
  return count;
}
