// The user's terminal as the keyboard of a machine: every key goes to it, except the one that quits.

import type { RunningMachine } from "../emulator/index.ts";

/** Ctrl-\ */
const QUIT = 0x1c;

export function hasTerminal(): boolean {
  return process.stdin.isTTY === true && process.stdout.isTTY === true;
}

/** Connects until the machine ends. */
export function connectTerminal(machine: RunningMachine): void {
  const onKeys = (keys: Buffer): void => {
    if (keys.includes(QUIT)) machine.stop();
    else machine.write(keys);
  };
  const restore = (): void => {
    process.stdin.off("data", onKeys);
    process.stdin.setRawMode(false);
    process.stdin.pause();
  };
  process.stdin.setRawMode(true);
  process.stdin.resume();
  process.stdin.on("data", onKeys);
  machine.finished.then(restore, restore);
}
