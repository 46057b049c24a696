// Wiring of the ISA interrupt lines to both interrupt controllers.

import { setIoApicLine } from "./io-apic";
import { setPicLine } from "./pic/pic";

/** I/O APIC pin of the timer, as on PCs; the MADT says so by its interrupt source override. */
const TIMER_PIN: u32 = 2;

/** Drives ISA interrupt request `irq` (0-15) high or low. */
export function setInterruptLine(irq: u32, isHigh: bool): void {
  setPicLine(irq, isHigh);
  setIoApicLine(irq == 0 ? TIMER_PIN : irq, isHigh);
}
