// From the device's facts to a stick that starts the system: check, ask, write, verify.

import { UserError } from "../error.ts";
import { checkDevice, checkImage } from "./checks.ts";
import type { BlockDevice } from "./device.ts";
import { verifyImage, writeImage } from "./write.ts";

/** What flashing asks of the machine and of the user. */
export interface FlashHost {
  readDevice(path: string): BlockDevice;
  /** Drops what the machine remembers of the device's content, so that it is read from the device. */
  forget(path: string): void;
  hasTerminal(): boolean;
  /** Puts a question in the terminal. */
  ask(question: string): Promise<string>;
  say(text: string): void;
}

const MEBIBYTE = 0x100000;

/** Throws UserError if anything speaks against it; the device is untouched until all has been checked and agreed to. */
export async function flash(path: string, image: string, agreed: boolean, host: FlashHost): Promise<void> {
  const size = checkImage(image);
  const device = host.readDevice(path);
  checkDevice(device, size);
  if (!agreed) await agree(device, host);
  host.say(`Writing ${(size / MEBIBYTE).toFixed(1)} MiB to ${device.path}.`);
  writeImage(image, device.path);
  host.say("Reading it back.");
  host.forget(device.path);
  verifyImage(image, device.path);
  host.say(`${device.path} holds the image, byte for byte, and can be taken out.`);
}

async function agree(device: BlockDevice, host: FlashHost): Promise<void> {
  if (!host.hasTerminal()) throw new UserError(`writing destroys everything on ${device.path}, and nobody is at a terminal to agree`, "Run it in a terminal, or add --yes.");
  host.say(`This destroys everything on ${device.path} (${device.description}).`);
  const answer = await host.ask(`Type ${device.path} to go on: `);
  if (answer.trim() !== device.path) throw new UserError(`${device.path} was left as it is`, "To write it, type its name when asked, or add --yes.");
}
