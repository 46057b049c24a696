// `bulkhead flash DEVICE IMAGE`

import { spawnSync } from "node:child_process";
import { createInterface } from "node:readline/promises";
import { UserError } from "../error.ts";
import { readDevice } from "../flash/device.ts";
import { flash, type FlashHost } from "../flash/flash.ts";
import { hasTerminal } from "./terminal.ts";

export interface FlashOptions {
  /** The user has agreed to the loss of what is on the device. */
  yes?: boolean;
}

const thisMachine: FlashHost = {
  readDevice,
  forget,
  hasTerminal,
  ask,
  say: (text) => process.stderr.write(`${text}\n`),
};

export async function flashCommand(device: string, image: string, options: FlashOptions): Promise<void> {
  await flash(device, image, options.yes === true, thisMachine);
}

/** BLKFLSBUF; the pages that were just written would else answer in the device's place. */
function forget(device: string): void {
  const { status, stderr } = spawnSync("/usr/sbin/blockdev", ["--flushbufs", device], { encoding: "utf8" });
  if (status === 0) return;
  throw new UserError(`the image was written, but ${device} cannot be read back afresh: ${stderr ?? "no blockdev"}`, "Plug the device in again and repeat.");
}

async function ask(question: string): Promise<string> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return await terminal.question(question);
  } finally {
    terminal.close();
  }
}
