// Wiring of the ISA interrupt lines to both interrupt controllers.

import { setIoApicLine } from "./io-apic";
import { setPicLine } from "./pic/pic";

/** I/O APIC pin of the timer, as on PCs; the MADT says so by its interrupt source override. */
const TIMER_PIN: u32 = 2;

/** Drives ISA interrupt request `irq` (0-15) high or low; `keepsEdge` as in pic.ts. */
export function setInterruptLine(irq: u32, isHigh: bool, keepsEdge: bool = false): void {
  setPicLine(irq, isHigh, keepsEdge);
  setIoApicLine(irq == 0 ? TIMER_PIN : irq, isHigh);
}
