// The consoles of the machine that output goes to.

import { ConsoleDevice } from "../kernel/console/interface";
import * as debugConsole from "./debug-console";
import * as screen from "./framebuffer-terminal";
import { forgetScreen, openScreen } from "./screen";
import { flushSerial, putSerial, serialRoom, startQueueing, stopQueueing } from "./serial-queue";
import * as uart from "./uart16550";

let active: u32 = ConsoleDevice.None;

/** Opens those of `wanted` that are present and returns them. */
export function openConsoles(wanted: u32): u32 {
  active = ConsoleDevice.None;
  if (wanted & ConsoleDevice.DebugConsole && debugConsole.isPresent()) active |= ConsoleDevice.DebugConsole;
  if (wanted & ConsoleDevice.Com1 && uart.initialise()) active |= ConsoleDevice.Com1;
  if (wanted & ConsoleDevice.Screen && openScreen()) active |= ConsoleDevice.Screen;
  return active;
}

/** Every console that answers, without a change to its set-up and without interrupts. */
export function openConsolesForFatal(): void {
  stopQueueing();
  active = ConsoleDevice.None;
  if (debugConsole.isPresent()) active |= ConsoleDevice.DebugConsole;
  if (uart.isPresent()) active |= ConsoleDevice.Com1;
  if (openScreen()) active |= ConsoleDevice.Screen;
}

export function closeScreen(): void {
  active &= ~ConsoleDevice.Screen;
  forgetScreen();
}

/** COM1 receives by interrupts from now on, whether or not output goes there; its output need not be waited for any more. */
export function useInterrupts(): void {
  if (!(active & ConsoleDevice.Com1) && !uart.initialise()) return;
  uart.enableReceiveInterrupt();
  if (active & ConsoleDevice.Com1) startQueueing();
}

/** A UART that does not take a byte in time is left out from then on, so that it cannot stop core 0. */
export function putByte(byte: u8): void {
  if (active & ConsoleDevice.DebugConsole) debugConsole.put(byte);
  if (active & ConsoleDevice.Screen) screen.put(byte);
  if (active & ConsoleDevice.Com1 && !putSerial(byte)) active &= ~ConsoleDevice.Com1;
}

/** For the screen alone, if it is in use. */
export function putScreenByte(byte: u8): void {
  if (active & ConsoleDevice.Screen) screen.put(byte);
}

/** Bytes that putByte() takes now without a wait. */
export function consoleRoom(): u32 { return active & ConsoleDevice.Com1 ? serialRoom() : u32.MAX_VALUE; }

/** Waits, bounded, until all that was written has left the machine. */
export function flushConsoles(): void {
  if (active & ConsoleDevice.Com1 && flushSerial()) uart.flush();
}
