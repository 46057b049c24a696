// The consoles of the machine that kernel output goes to. Core 0 owns them; a fatal path of any core may write too.

import * as debugConsole from "../../drivers/debug-console";
import * as screen from "../../drivers/framebuffer-terminal";
import * as uart from "../../drivers/uart16550";
import { openScreen } from "./screen";
import { flushSerial, putSerial, serialRoom, startQueueing, stopQueueing } from "./serial-queue";

/** Mask of consoles. */
export const enum ConsoleDevice {
  None = 0,
  DebugConsole = 1 << 0, // e9
  Com1 = 1 << 1, // com1
  Screen = 1 << 2, // fb
  All = 7,
  /** COM1 is set up and receives, whether or not output goes there. */
  Input = 1 << 3,
}

let active: u32 = ConsoleDevice.None;

/** Output goes to these from now on, which are open. */
export function useConsoles(opened: u32): void {
  active = opened;
  if (opened & ConsoleDevice.Com1) uart.attach();
}

/** Every console that answers, without a change to its set-up and without interrupts: for a core that is about to stop. */
export function openConsolesForFatal(): void {
  stopQueueing();
  active = ConsoleDevice.None;
  if (debugConsole.isPresent()) active |= ConsoleDevice.DebugConsole;
  if (uart.isPresent()) active |= ConsoleDevice.Com1;
  if (openScreen()) active |= ConsoleDevice.Screen;
}

/** The consoles in use. */
export function openedConsoles(): u32 { return active; }

/** COM1 receives by interrupts from now on, whether or not output goes there; its output need not be waited for any more. */
export function useInterrupts(): void {
  if (!(active & ConsoleDevice.Input)) return;
  uart.enableReceiveInterrupt();
  if (active & ConsoleDevice.Com1) startQueueing();
}

/** A UART that does not take a byte in time is left out from then on, so that it cannot stop the kernel. */
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
