// 16550A UART (PC16550D data sheet) at 0x3f8. Sends to the output ring and receives from the input ring of the mailbox.

import { tscFrequency } from "../../configuration";
import { now } from "../../imports";
import { GSI_UART } from "../../interface";
import { NEVER, setUartDeadline, uartDeadline } from "../deadlines";
import { setInterruptLine } from "../interrupt-lines";
import { inputWaiting, outputRoom, putOutput, takeInput } from "../rings";
import {
  DIVISOR_LATCH_ACCESS, FifoControl, Identification, InterruptEnable, LineStatus, ModemControl, ModemStatus, Register,
} from "./registers";

export const UART_BASE: u32 = 0x3f8;

const FIFO_SIZE: u32 = 16;
const FIFO = memory.data(16, 8);
let fifoFirst: u32 = 0;
let fifoCount: u32 = 0;

let interruptEnable: u32 = 0;
let fifoControl: u32 = 0;
let lineControl: u32 = 0;
let modemControl: u32 = 0;
let modemStatus: u32 = 0;
let scratch: u32 = 0;
let divisor: u32 = 0;
let hasOverrun: bool = false;
let transmitterPending: bool = false; // THRE interrupt: set when THR empties, cleared by reading IIR
let line: bool = false;

export function resetUart(): void {
  fifoFirst = 0;
  fifoCount = 0;
  interruptEnable = 0;
  fifoControl = 0;
  lineControl = 0;
  modemControl = 0;
  modemStatus = ModemStatus.Connected;
  scratch = 0;
  divisor = 12; // 9600 baud
  hasOverrun = false;
  transmitterPending = false;
  line = false;
  setInterruptLine(GSI_UART, false);
  setUartDeadline(NEVER);
}

function usesFifo(): bool {
  return (fifoControl & FifoControl.Enable) != 0;
}

function capacity(): u32 {
  return usesFifo() ? FIFO_SIZE : 1;
}

/** Received bytes that raise the data interrupt; fewer raise the timeout, which here comes at once. */
function triggerLevel(): u32 {
  if (!usesFifo()) return 1;
  switch (fifoControl >> FifoControl.TriggerShift) {
    case 0: return 1;
    case 1: return 4;
    case 2: return 8;
    default: return 14;
  }
}

/** Room for a whole FIFO: a driver may write 16 bytes once it has seen THRE. */
function isTransmitterEmpty(): bool {
  return outputRoom() >= FIFO_SIZE;
}

/** Source with the highest priority (data sheet table III). */
function interruptSource(): u32 {
  if (hasOverrun && (interruptEnable & InterruptEnable.LineStatus) != 0) return Identification.LineStatus;
  if (fifoCount != 0 && (interruptEnable & InterruptEnable.ReceivedData) != 0) {
    return fifoCount >= triggerLevel() ? Identification.ReceivedData : Identification.CharacterTimeout;
  }
  if (transmitterPending && (interruptEnable & InterruptEnable.TransmitterEmpty) != 0) return Identification.TransmitterEmpty;
  if ((modemStatus & ModemStatus.DeltaMask) != 0 && (interruptEnable & InterruptEnable.ModemStatus) != 0) return Identification.ModemStatus;
  return Identification.None;
}

function updateLine(): void {
  // A PC's board lets the line through by OUT2, QEMU's does not, and kernels such as xv6 know QEMU's only.
  const isHigh = (modemControl & ModemControl.Loop) == 0 && interruptSource() != Identification.None;
  if (isHigh == line) return;
  line = isHigh;
  setInterruptLine(GSI_UART, isHigh);
}

function receive(value: u32): void {
  if (fifoCount >= capacity()) {
    hasOverrun = true;
    return;
  }
  store<u8>(FIFO + ((fifoFirst + fifoCount) & (FIFO_SIZE - 1)), <u8>value);
  fifoCount++;
}

/** Moves what waits in the input ring to the FIFO as far as there is room. */
function fillReceiver(): void {
  if ((modemControl & ModemControl.Loop) != 0) return;
  while (fifoCount < capacity() && inputWaiting() != 0) receive(takeInput());
}

/** Bytes were put into the input ring. */
export function receiveInput(): void {
  fillReceiver();
  updateLine();
}

function readData(): u32 {
  if (fifoCount == 0) return 0;
  const value = <u32>load<u8>(FIFO + fifoFirst);
  fifoFirst = (fifoFirst + 1) & (FIFO_SIZE - 1);
  fifoCount--;
  if (fifoCount == 0) fillReceiver();
  updateLine();
  return value;
}

/** THR is empty at once while the ring has room, else when the kernel has drained it, which is looked for each millisecond. */
function emptyTransmitter(): void {
  transmitterPending = isTransmitterEmpty();
  if (!transmitterPending) setUartDeadline(now() + tscFrequency() / 1000);
  else if (uartDeadline() != NEVER) setUartDeadline(NEVER);
  updateLine();
}

/** Writing THR ends its interrupt; the next one is an edge of its own, also for a driver that does not read IIR. */
function transmit(value: u32): void {
  if (line) {
    transmitterPending = false;
    updateLine();
  }
  if ((modemControl & ModemControl.Loop) != 0) receive(value);
  else putOutput(value);
  emptyTransmitter();
}

/** Looks again whether the output ring was drained. */
export function runUart(time: u64): void {
  if (time >= uartDeadline()) emptyTransmitter();
}

/** Setting ETBEI raises the interrupt of THR, at once or when it is empty: others may have filled the ring. */
function writeInterruptEnable(value: u32): void {
  const raised = value & ~interruptEnable;
  interruptEnable = value & InterruptEnable.Writable;
  if ((raised & InterruptEnable.TransmitterEmpty) != 0) emptyTransmitter();
  else updateLine();
}

/** Changing the enable bit empties the FIFOs; the other bits count only while it is set. */
function writeFifoControl(value: u32): void {
  const isEnabled = (value & FifoControl.Enable) != 0;
  if (isEnabled != usesFifo() || (value & FifoControl.ResetReceiver) != 0) fifoCount = 0;
  fifoControl = isEnabled ? value : 0;
  fillReceiver();
  updateLine();
}

function readInterruptIdentification(): u32 {
  const source = interruptSource();
  if (source == Identification.TransmitterEmpty) {
    transmitterPending = false;
    updateLine();
  }
  return source | (usesFifo() ? Identification.FifosEnabled : 0);
}

/** Modem inputs: a connected peer, or in loop mode the modem outputs. */
function modemInputs(): u32 {
  if ((modemControl & ModemControl.Loop) == 0) return ModemStatus.Connected;
  let inputs: u32 = 0;
  if ((modemControl & ModemControl.RequestToSend) != 0) inputs |= ModemStatus.ClearToSend;
  if ((modemControl & ModemControl.DataTerminalReady) != 0) inputs |= ModemStatus.DataSetReady;
  if ((modemControl & ModemControl.Out1) != 0) inputs |= ModemStatus.RingIndicator;
  if ((modemControl & ModemControl.Out2) != 0) inputs |= ModemStatus.CarrierDetect;
  return inputs;
}

function writeModemControl(value: u32): void {
  modemControl = value & ModemControl.Writable;
  const inputs = modemInputs();
  const changed = (modemStatus ^ inputs) & ~ModemStatus.DeltaMask;
  let deltas = changed >> 4;
  if ((inputs & ModemStatus.RingIndicator) != 0) deltas &= ~ModemStatus.TrailingRing;
  modemStatus = inputs | (modemStatus & ModemStatus.DeltaMask) | deltas;
  fillReceiver();
  updateLine();
}

function readLineStatus(): u32 {
  let status: u32 = isTransmitterEmpty() ? LineStatus.TransmitterEmpty : 0;
  if (fifoCount != 0) status |= LineStatus.DataReady;
  if (!hasOverrun) return status;
  hasOverrun = false;
  updateLine();
  return status | LineStatus.OverrunError;
}

function readModemStatus(): u32 {
  const status = modemStatus;
  modemStatus &= ~ModemStatus.DeltaMask;
  updateLine();
  return status;
}

function accessesDivisor(): bool {
  return (lineControl & DIVISOR_LATCH_ACCESS) != 0;
}

/** Reads the register at `offset` 0-7. */
export function readUart(offset: u32): u32 {
  switch (offset) {
    case Register.LineStatus: return readLineStatus();
    case Register.Data: return accessesDivisor() ? divisor & 0xff : readData();
    case Register.InterruptEnable: return accessesDivisor() ? divisor >> 8 : interruptEnable;
    case Register.InterruptIdentification: return readInterruptIdentification();
    case Register.LineControl: return lineControl;
    case Register.ModemControl: return modemControl;
    case Register.ModemStatus: return readModemStatus();
    default: return scratch;
  }
}

/** Writes the register at `offset` 0-7; line and modem status cannot be written. */
export function writeUart(offset: u32, value: u32): void {
  switch (offset) {
    case Register.Data:
      if (accessesDivisor()) divisor = (divisor & 0xff00) | value;
      else transmit(value);
      return;
    case Register.InterruptEnable:
      if (accessesDivisor()) divisor = (divisor & 0xff) | (value << 8);
      else writeInterruptEnable(value);
      return;
    case Register.InterruptIdentification: writeFifoControl(value); return;
    case Register.LineControl: lineControl = value; return;
    case Register.ModemControl: writeModemControl(value); return;
    case Register.Scratch: scratch = value; return;
  }
}
