// Boots an example whose firmware starts GRUB and then Linux, and types what a user would.

import { expect } from "vitest";
import type { SystemDescription } from "../../../scripts/policy/language.ts";
import { bootSystem, type SystemOutput } from "./system.ts";

/** GRUB's key for the next entry, control-N. */
export const NEXT_ENTRY = "\x0e";
export const ENTER = "\r";
/** GRUB's last words before it waits for a key: it has drawn the last entry of its menu. */
export const MENU_DRAWN = /Reboot/;
export const SHELL_READY = /shell ready/;
/** Looks around in Linux's shell, and ends it. */
export const COMMANDS = "nproc; cat /sys/bus/pci/devices/0000:00:02.0/class; poweroff -f\r";

/** Of the output, told where it ended too soon. */
const LAST_LINES = 20;

/** What is typed once a line was printed. */
export type Step = [awaited: RegExp, keys: string];

/** MSRs that Debian's kernel reads to see whether they are there, on the vCPU that happens to do it, by their names in Linux. It goes on without them. */
const PROBED_MSRS = { MSR_SMI_COUNT: 0x34, MSR_PPIN_CTL: 0x4e, MSR_PPERF: 0x64e, MSR_AMD64_DE_CFG: 0xc0011029 };

export async function bootTyping(description: SystemDescription, name: string, timeoutSeconds: number, steps: readonly Step[]): Promise<SystemOutput> {
  const left = [...steps];
  const output = await bootSystem({ ...description, name }, {
    timeoutSeconds,
    interactive: true,
    onLine: (line, machine) => {
      const [awaited, keys] = left[0] ?? [];
      if (awaited?.test(line) !== true || keys === undefined) return;
      left.shift();
      machine.write(keys);
    },
  });
  expect(left, output.lines.slice(-LAST_LINES).join("\n")).toEqual([]);
  return output;
}

/** Linux came up on two processors with its disk, took the commands, and ended; `restarts` as the summary counts them. */
export function expectLinux(output: SystemOutput, memory: string, restarts: number): void {
  const said = output.of("linux").join("\n");
  expect(said).toContain("GNU GRUB");
  expect(said).toContain("grub: Linux with a shell");
  expect(said).toMatch(/demo: memory \d+ kB, processors 2, hypervisor yes/);
  expect(said).toMatch(/^2\n0x010000$/m); // nproc; the class of the disk: mass storage
  expect(output.result.reason).toBe("ended");
  // Each violation has a line the first time, so that these are all: neither firmware nor GRUB makes any.
  const violations = [0, 1].flatMap((core) => output.audits("linux", core).map(({ what }) => what));
  expect(new Set(violations)).toEqual(new Set(Object.values(PROBED_MSRS).map(reads)));
  expect(output.summary("linux")).toContain(`summary: linux: cores 0, 1, ${memory}, powered off, restarts ${restarts}, violations `);
}

function reads(msr: number): string {
  return `read MSR 0x${msr.toString(16).padStart(8, "0")}`;
}
