// The machine's consoles, for the planner and the kernel on core 0: the floor makes the one instance before the planner runs
// (boot/start.c). A fault in here ends the consoles and nothing else.

import { ConsoleDevice } from "../kernel/console/interface";
import { KERNEL_SOURCES } from "../kernel/console/ring-layout";
import { closeScreen, flushConsoles, openConsoles, openConsolesForFatal, putByte, useInterrupts } from "./devices";
import { putSourceByte } from "./multiplexer";
import { drainCompletely, drainRings, giveKeyboard, onInterrupt, registerPartition, withdrawPartition } from "./partitions";
import { createRings } from "./rings";
import { placeScreen } from "./screen";

let isFatal: bool = false;

/** Opens those of `wanted` that are present and returns them. */
export function open(wanted: u32): ConsoleDevice { return openConsoles(wanted); }

/** A screen of this form (Multiboot2 3.6.12) is granted. */
export { placeScreen };

/** The screen is granted no more. */
export { closeScreen };

/** Takes up to eight bytes of what core 0 says, the lowest first, up to a zero; once it is about to stop, as they come. */
export function put(bytes: u64): void {
  for (let rest = bytes; rest != 0; rest >>= 8) {
    if (isFatal) putByte(<u8>rest);
    else putSourceByte(KERNEL_SOURCES, <u8>rest);
  }
}

/** Waits, bounded, until all that was written has left the machine. */
export function flush(): void { flushConsoles(); }

/** Core 0 is about to stop: its bytes go to every console that answers, and nothing gathers any more. */
export function beginFatal(): void {
  isFatal = true;
  openConsolesForFatal();
}

/** Zeroed rings of this many cores are granted. */
export function attach(cores: u32): void { createRings(cores); }

/** A partition exists and has this name: NAME_LENGTH bytes of ASCII, zero padded. */
export function register(partition: u32, name0: u64, name1: u64, name2: u64, name3: u64): void {
  registerPartition(partition, name0, name1, name2, name3);
}

/** A partition gets what is typed. */
export { giveKeyboard };

/** COM1 interrupts from now on. */
export function startInput(): void { useInterrupts(); }

/** Takes a byte of output of a partition on core 0. */
export function putPartition(partition: u32, byte: u8): void { putSourceByte(partition, byte); }

/** Serves COM1; bit n of the result: input for partition n arrived, CALL_AGAIN: call drain(). */
export function interrupt(): u32 { return onInterrupt(); }

/** Prints what lies in the rings; whether to call again. */
export function drain(): u32 { return drainRings() ? 1 : 0; }

/** Prints all that lies in the rings and waits until it is out. */
export { drainCompletely };

/** A partition runs no more. */
export function withdraw(partition: u32): void { withdrawPartition(partition); }
