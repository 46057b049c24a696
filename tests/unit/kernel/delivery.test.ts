// Faults that meet the delivery of another event: SDM 3A table 6-5, double and triple faults, and task switches that the monitor refuses.

import { beforeEach, describe, expect, test } from "vitest";
import { AccessStatus } from "../../../monitor/interface.ts";
import { Stopped } from "../machine/machine.ts";
import { KernelMachine, startedKernel } from "./kernel-machine.ts";

const DOUBLE_FAULT = { vector: 8, type: 3, errorCode: 0n };
const VALID = 0x8000_0000n;
/** What is outside the partition's memory. */
const OUTSIDE = { EXIT_QUALIFICATION: 2n, GUEST_PHYSICAL_ADDRESS: 0x4000_0000n };
const SELECTOR = 0x2bn;

const enum Type { ExternalInterrupt = 0, Nmi = 2, HardwareException = 3, SoftwareInterrupt = 4, PrivilegedSoftware = 5, SoftwareException = 6 }

let machine: KernelMachine;
beforeEach(async () => {
  machine = await startedKernel({ partitions: [{ health: { memory: "inject-fault" } }] });
  machine.setVmcs({ GUEST_RIP: 0x1000n });
  machine.answer("taskSwitch", () => undefined, AccessStatus.Undecodable);
}, 240_000);

const delivering = (type: Type, vector: number): Record<string, bigint> => ({ IDT_VECTORING_INFORMATION: VALID | BigInt((type << 8) | vector) });

/** Exits with a fault of the guest's own making, and the #GP that they raise. */
const FAULTS: [string, Record<string, bigint>, bigint][] = [
  ["EPT_VIOLATION", OUTSIDE, 0n],
  ["TASK_SWITCH", { EXIT_QUALIFICATION: 0xc000_0000n | SELECTOR }, SELECTOR & 0xfffcn],
];

describe.each(FAULTS)("%s", (reason, fields, errorCode) => {
  test("alone is #GP", () => {
    machine.exit(reason, fields);
    expect(machine.event).toEqual({ vector: 13, type: 3, errorCode });
    expect(machine.vmcs("GUEST_RIP")).toBe(0x1000n);
  });

  test.each([0, 10, 11, 12, 13, 14])("during the delivery of exception %i is #DF", (vector) => {
    machine.exit(reason, { ...fields, ...delivering(Type.HardwareException, vector) });
    expect(machine.event).toEqual(DOUBLE_FAULT);
  });

  test.each([
    ["a benign exception", Type.HardwareException, 6],
    ["#DB", Type.HardwareException, 1],
    ["an interrupt on the vector of #PF", Type.ExternalInterrupt, 14],
    ["an interrupt on the vector of #DF, as the PIC of a BIOS raises it", Type.ExternalInterrupt, 8],
    ["an NMI", Type.Nmi, 2],
    ["INT 8", Type.SoftwareInterrupt, 8],
    ["INT1", Type.PrivilegedSoftware, 1],
    ["INT3", Type.SoftwareException, 3],
  ])("during the delivery of %s is #GP", (_name, type, vector) => {
    machine.exit(reason, { ...fields, ...delivering(type, vector) });
    expect(machine.event).toEqual({ vector: 13, type: 3, errorCode });
  });

  test("during the delivery of #DF is a triple fault", () => {
    expect(() => machine.exit(reason, { ...fields, ...delivering(Type.HardwareException, 8) })).toThrow(Stopped);
    expect(machine.lines.join("\n")).toContain("partition guest0 stopped: triple fault");
  });
});

test("a task switch that is refused is audited", () => {
  machine.exit("TASK_SWITCH");
  expect(machine.lines.at(-1)).toContain("executed task switch");
});

test("a machine check at the entry stops the machine, not the partition", () => {
  expect(() => machine.exit("CPUID", { EXIT_REASON: 0x8000_0029n })).toThrow(Stopped);
  expect(machine.lines.join("\n")).toContain("fatal 21 on core 0: machine check while a partition ran");
});
