// Detecting the UART, and setting it up. Names after the PC16550D data sheet, section 8.

import { ModemControl, Register, attach, isPresent, read, write } from "../../drivers/uart16550";

/** Baud rate clock 1.8432 MHz / 16 / 115200. */
const DIVISOR_115200: u8 = 1;

const enum FifoControl {
  Enable = 1 << 0,
  ResetReceiver = 1 << 1,
  ResetTransmitter = 1 << 2,
}

const enum LineControl {
  EightBits = 3, // 8 data bits, 1 stop bit, no parity
  DivisorLatch = 1 << 7, // DLAB
}

const enum ModemStatus {
  ClearToSend = 1 << 4,
  CarrierDetect = 1 << 7,
  Lines = 0xf0,
}

/** In loopback RTS appears as CTS and OUT2 as DCD: tells a UART from a bus that echoes the last byte. */
function passesLoopback(): bool {
  write(Register.ModemControl, <u8>(ModemControl.Loopback | ModemControl.RequestToSend | ModemControl.Out2));
  const lines = read(Register.ModemStatus) & <u8>ModemStatus.Lines;
  return lines == <u8>(ModemStatus.ClearToSend | ModemStatus.CarrierDetect);
}

/** Detects the UART and sets 115200 8N1, interrupts off. False if there is none. */
export function initialise(): bool {
  if (!isPresent()) return false;
  if (!passesLoopback()) return false;
  write(Register.InterruptEnable, 0);
  write(Register.LineControl, <u8>(LineControl.EightBits | LineControl.DivisorLatch));
  write(Register.Data, DIVISOR_115200);
  write(Register.InterruptEnable, 0);
  write(Register.LineControl, <u8>LineControl.EightBits);
  write(Register.FifoControl, <u8>(FifoControl.Enable | FifoControl.ResetReceiver | FifoControl.ResetTransmitter));
  write(Register.ModemControl, <u8>(ModemControl.DataTerminalReady | ModemControl.RequestToSend));
  attach();
  return true;
}
