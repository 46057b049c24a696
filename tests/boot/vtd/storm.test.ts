// A storm of forbidden DMA that no instruction of the kernel causes: two USB controllers that read their schedules from the
// kernel's memory. QEMU's own trace counts what they tried.

import { beforeAll, describe, expect, test } from "vitest";
import { COMPLETE, EDU_DEVICES, runVtdKernel, type VtdOutput } from "../../../scripts/test-kernels/vtd-kernel.ts";

const CONTROLLERS = { left: "00:16.0", nobody: "00:17.0" };
const TRACED = /^vtd_(dmar_fault|fault_disabled)/gm;
const OVERFLOW = "vtd unit 0: more faults than it can record, some are lost";
const DMAS = 10_000;
/** Time that the kernel needs to look at its timer on this machine, 1 us an instruction. */
const TOLERANCE_US = 300;
/** Room for the few lines that tell of the storm, about 7,000 instructions each, until the devices are switched off. */
const TELLING_US = 40_000;

let output: VtdOutput;
beforeAll(async () => {
  output = await runVtdKernel("vtd=storm", {
    devices: [...EDU_DEVICES, "piix3-usb-uhci,addr=0x16", "piix3-usb-uhci,addr=0x17"],
    extraArguments: ["-trace", "vtd_dmar_fault", "-trace", "vtd_fault_disabled"],
  });
});

function lateness(part: string): number {
  return output.measured(`storm: ${part}`, "timer lateness in us");
}

describe("a storm of forbidden DMA", () => {
  test("has more than 10,000 of them", () => {
    expect(output.result.status).toBe(COMPLETE);
    expect(output.section("storm: before")).toContain("controller given to left: yes");
    expect(output.result.log.match(TRACED)?.length).toBeGreaterThan(DMAS);
  });

  test("is told in few lines, with what was lost", () => {
    const all = [...output.section("storm: breaks out"), ...output.section("storm: goes on")].filter((line) => line.startsWith("vtd unit"));
    const lines = all.filter((line) => line !== OVERFLOW);
    // Told at the 1st, 2nd, 4th, 8th of at most 66.
    expect(all.length - lines.length).toBeGreaterThan(0);
    expect(all.length - lines.length).toBeLessThan(8);
    // Which of the two storms is found out first is chance.
    expect([...lines.slice(0, 2), ...lines.slice(2).sort()]).toEqual([
      expect.stringMatching(`^vtd unit 0: ${CONTROLLERS.left} of left: read at 0x[0-9a-f]{16} blocked: reason 0x06, no read permission$`),
      expect.stringMatching(`^vtd unit 0: ${CONTROLLERS.nobody} of no partition: read at 0x[0-9a-f]{16} blocked: reason 0x02, context entry not present$`),
      `vtd unit 0: ${CONTROLLERS.left} of left: switched off after 33 faults in a second`,
      `vtd unit 0: ${CONTROLLERS.nobody} of no partition: switched off after 33 faults in a second`,
    ]);
  });

  test("keeps the kernel busy until the devices are switched off, and costs nothing after that", () => {
    expect(output.measured("storm: breaks out", "fault interrupts")).toBeGreaterThan(32);
    expect(lateness("breaks out")).toBeGreaterThan(1000);
    expect(lateness("breaks out")).toBeLessThan(TELLING_US);
    expect(output.measured("storm: goes on", "fault interrupts")).toBe(0);
    expect(output.measured("storm: goes on", "frames of left's controller")).toBeGreaterThan(100);
    expect(output.measured("storm: goes on", "frames of nobody's controller")).toBeGreaterThan(100);
  });

  test("does not delay the kernel's timer once the devices are switched off", () => {
    expect(lateness("before")).toBeLessThan(TOLERANCE_US);
    expect(lateness("goes on")).toBeLessThan(TOLERANCE_US);
  });

  test("leaves other devices of the same and of another partition alone", () => {
    expect(output.section("storm: goes on")).toContain("other devices' transfers have ended: yes");
    expect(output.section("storm: is over")).toEqual(["left's other device works: yes", "right's device works: yes"]);
  });
});
