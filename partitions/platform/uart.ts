// 16550: loop mode, and a transmitter served by interrupts on an edge-triggered pin (PC16550D data sheet).

import { check } from "../conformance/check";
import { takeInterrupts } from "../runtime/processor";
import { writeIoApic } from "./io-apic";
import { awaitVector, MASKED } from "./page";
import { input, output } from "./port";

const DATA: u32 = 0x3f8;
const INTERRUPT_ENABLE: u32 = 0x3f9;
const IDENTIFICATION: u32 = 0x3fa;
const MODEM_CONTROL: u32 = 0x3fc;
const LINE_STATUS: u32 = 0x3fd;
const MODEM_STATUS: u32 = 0x3fe;

const TRANSMITTER: u32 = 0x02; // ETBEI, and IIR of THRE
const NONE: u32 = 0x01;
const LOOP: u32 = 0x10;
const OUT2_RTS: u32 = 0x0a;
const ENTRY: u32 = 0x10 + 2 * 4;
const VECTOR: u32 = 0x66;
const TEXT = "uart: sent by interrupts\n";

function checkLoop(): void {
  output(MODEM_CONTROL, LOOP | OUT2_RTS);
  check("UART loop of the modem lines", input(MODEM_STATUS) & 0xf0, 0x90);
  output(DATA, 0x5a);
  check("UART loop has received", input(LINE_STATUS), 0x61);
  check("UART loop of data", input(DATA), 0x5a);
  output(MODEM_CONTROL, OUT2_RTS);
}

/** A byte an interrupt, by a driver that does not read IIR. */
function sendText(): void {
  output(INTERRUPT_ENABLE, TRANSMITTER);
  for (let index = 0; index < TEXT.length; index++) {
    awaitVector(VECTOR);
    output(DATA, TEXT.charCodeAt(index));
  }
  awaitVector(VECTOR);
}

/** What a threaded handler does: off while it runs, and on again. */
function checkEnable(): void {
  check("UART IIR of THRE", input(IDENTIFICATION), TRANSMITTER);
  check("UART IIR is clear", input(IDENTIFICATION), NONE);
  check("UART no interrupt is left", takeInterrupts(VECTOR), 0);
  for (let time = 0; time < 2; time++) {
    output(INTERRUPT_ENABLE, 0);
    output(INTERRUPT_ENABLE, TRANSMITTER);
    awaitVector(VECTOR);
  }
  check("UART THRE after ETBEI off and on", input(IDENTIFICATION), TRANSMITTER);
  output(INTERRUPT_ENABLE, 0);
}

export function checkUart(): void {
  writeIoApic(ENTRY, VECTOR);
  checkLoop();
  sendText();
  checkEnable();
  writeIoApic(ENTRY, MASKED);
}
