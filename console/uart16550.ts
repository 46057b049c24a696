// 16550 UART of the real machine, COM1. Names after the PC16550D data sheet, section 8.

import { in8, out8 } from "./imports";

const COM1: u16 = 0x3f8;
/** Baud rate clock 1.8432 MHz / 16 / 115200. */
const DIVISOR_115200: u8 = 1;
/** Reads of the line status register before a transmitter counts as stuck; a byte takes 87 us, a read about 1 us. */
const TRANSMIT_WAIT_READS: u32 = 200_000;
const FIFO_DEPTH: u32 = 16;

const enum Register {
  Data = 0, // RBR, THR; divisor low byte while DLAB is set
  InterruptEnable = 1, // IER; divisor high byte while DLAB is set
  FifoControl = 2, // FCR on write, IIR on read
  LineControl = 3, // LCR
  ModemControl = 4, // MCR
  LineStatus = 5, // LSR
  ModemStatus = 6, // MSR
  Scratch = 7, // SCR
}

const enum InterruptEnable {
  None = 0,
  ReceivedData = 1 << 0, // ERBFI
  TransmitterEmpty = 1 << 1, // ETBEI
}

/** IIR bits 3:0. */
const enum InterruptIdentity {
  None = 1,
  TransmitterEmpty = 2,
  ReceivedData = 4,
  CharacterTimeout = 12, // bytes wait in the FIFO, fewer than its trigger level
  Mask = 15,
}

const enum FifoControl {
  Enable = 1 << 0,
  ResetReceiver = 1 << 1,
  ResetTransmitter = 1 << 2,
}

const enum LineControl {
  EightBits = 3, // 8 data bits, 1 stop bit, no parity
  DivisorLatch = 1 << 7, // DLAB
}

const enum ModemControl {
  DataTerminalReady = 1 << 0,
  RequestToSend = 1 << 1,
  Out2 = 1 << 3, // gates the interrupt line on a PC
  Loopback = 1 << 4,
}

const enum LineStatus {
  DataReady = 1 << 0,
  TransmitterHoldingEmpty = 1 << 5, // THRE
  TransmitterEmpty = 1 << 6, // TEMT
}

const enum ModemStatus {
  ClearToSend = 1 << 4,
  CarrierDetect = 1 << 7,
  Lines = 0xf0,
}

/** IIR bits 7:6 when the FIFOs work. */
const FIFOS_ENABLED: u8 = 0xc0;

/** Why the UART interrupts. */
export const enum UartInterrupt {
  None = 0,
  Received = 1,
  TransmitterEmpty = 2,
  /** Line or modem status; over once it was looked at. */
  Status = 3,
}

/** What receive() returns when no byte waits; bytes are 0-255. */
export const NO_BYTE: u32 = 0x100;

/** Bytes that the transmitter takes without a look at the line status register. */
let room: u32 = 0;
let depth: u32 = 1;

@inline
function read(register: Register): u8 {
  return in8(COM1 + <u16>register);
}

@inline
function write(register: Register, value: u8): void {
  out8(COM1 + <u16>register, value);
}

/** True if a UART answers; only the scratch register is touched, so that any core may ask at any time. */
export function isPresent(): bool {
  write(Register.Scratch, 0x5a);
  if (read(Register.Scratch) != 0x5a) return false;
  write(Register.Scratch, 0xa5);
  return read(Register.Scratch) == 0xa5;
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
  depth = (read(Register.FifoControl) & FIFOS_ENABLED) == FIFOS_ENABLED ? FIFO_DEPTH : 1;
  room = 0;
  return true;
}

/** Received bytes raise IRQ 4 from now on. */
export function enableReceiveInterrupt(): void {
  write(Register.ModemControl, <u8>(ModemControl.DataTerminalReady | ModemControl.RequestToSend | ModemControl.Out2));
  write(Register.InterruptEnable, <u8>InterruptEnable.ReceivedData);
}

/** With `enabled` an empty transmitter raises IRQ 4 too. */
export function setTransmitInterrupt(enabled: bool): void {
  const transmit: u8 = enabled ? <u8>InterruptEnable.TransmitterEmpty : <u8>InterruptEnable.None;
  write(Register.InterruptEnable, <u8>InterruptEnable.ReceivedData | transmit);
}

/** The interrupt that waits and has the highest priority. The line falls, and can rise again, only when none waits. */
export function pendingInterrupt(): UartInterrupt {
  switch (<u32>read(Register.FifoControl) & InterruptIdentity.Mask) {
    case InterruptIdentity.ReceivedData:
    case InterruptIdentity.CharacterTimeout:
      return UartInterrupt.Received;
    case InterruptIdentity.TransmitterEmpty:
      return UartInterrupt.TransmitterEmpty;
    case InterruptIdentity.None:
    case InterruptIdentity.Mask:
      return UartInterrupt.None;
    default:
      read(Register.LineStatus);
      read(Register.ModemStatus);
      return UartInterrupt.Status;
  }
}

function waitForLineStatus(bits: u8): bool {
  for (let reads: u32 = 0; reads < TRANSMIT_WAIT_READS; reads++) {
    if ((read(Register.LineStatus) & bits) == bits) return true;
  }
  return false;
}

/** True if send() may be called now. */
export function canSend(): bool {
  if (room != 0) return true;
  if (!(read(Register.LineStatus) & <u8>LineStatus.TransmitterHoldingEmpty)) return false;
  room = depth;
  return true;
}

/** Sends a byte; only after canSend() said so. */
export function send(byte: u8): void {
  write(Register.Data, byte);
  room--;
}

/** Waits until send() may be called; false if the transmitter took too long (THRE stayed clear). */
export function waitToSend(): bool {
  if (room != 0) return true;
  if (!waitForLineStatus(<u8>LineStatus.TransmitterHoldingEmpty)) return false;
  room = depth;
  return true;
}

/** Waits until the last byte is on the line; false if that took too long (TEMT stayed clear). */
export function flush(): bool {
  return waitForLineStatus(<u8>(LineStatus.TransmitterHoldingEmpty | LineStatus.TransmitterEmpty));
}

/** The next received byte, or NO_BYTE. */
export function receive(): u32 {
  const status = read(Register.LineStatus);
  // All ones: the UART is gone and the bus floats.
  if (status == 0xff || !(status & <u8>LineStatus.DataReady)) return NO_BYTE;
  return read(Register.Data);
}
