// Boots in Bochs that end as soon as a line was seen: a core that stops leaves the emulator running.

import { startBochs, type BochsOptions, type BootImage, type RunningMachine, type RunResult } from "../../../scripts/emulator/index.ts";

/** For what still waits in COM1 and in the emulator's buffers. */
const LINGER_MS = 200;
const KEPT = 4096;

/** Boots `image` until the debug console printed `pattern`, the machine ended, or the time is over. */
export async function bootUntil(image: BootImage, pattern: RegExp, options: BochsOptions & { timeoutSeconds: number }): Promise<RunResult> {
  let end = "";
  let machine: RunningMachine | undefined;
  const watch = (bytes: Buffer): void => {
    options.onOutput?.(bytes);
    if (machine === undefined) return;
    end = (end + bytes.toString("latin1")).slice(-KEPT);
    if (pattern.test(end)) setTimeout(() => machine?.stop(), LINGER_MS);
  };
  machine = await startBochs(image, { ...options, onOutput: watch });
  return machine.finished;
}
