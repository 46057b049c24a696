// What every refusal of a plan has in common.

import { expect } from "vitest";
import { enumReader } from "../machine/source-enums.ts";
import type { KernelMachine } from "./kernel-machine.ts";

const reason = enumReader("kernel/boot/fatal.ts", "FatalReason");

/** The boot ended for this FatalReason, before anything ran in VMX and before another core started. */
export function expectRefused(machine: KernelMachine, end: string, why: string): void {
  expect(end).toBe("halt");
  expect(machine.lines.join("\n")).toContain(`fatal ${reason(why)} on core 0`);
  expect(machine.processor.vmxCalls).toEqual([]);
  expect(machine.bootCalls.filter((call) => call.startsWith("startCore"))).toEqual([]);
}
