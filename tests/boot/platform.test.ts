// The virtual platform in Bochs, driven by partitions/platform as by a guest's drivers: PIC, PIT, RTC, I/O APIC, PM timer, UART, local APIC.

import { beforeAll, describe, expect, test } from "vitest";
import { typescript, type SystemDescription } from "../../scripts/policy/language.ts";
import { bootSystem, type SystemOutput } from "./helpers/system.ts";

const TIMEOUT_SECONDS = 100;
const CHECK = "check ";

/** Checks in the order of the partition, by the file that makes them. */
const CHECKS: Record<string, readonly string[]> = {
  pit: [
    "PIT rate generator", "PIT square wave", "PIT terminal count", "PIT channel 2 is low", "PIT channel 2 by port 61", "PIT status in BCD",
    "PIT counts in BCD",
  ],
  clock: ["RTC periodic interrupt", "RTC alarm and update", "RTC register C clears"],
  external: [
    "ExtINT leaves no remote IRR", "ExtINT has been ended", "LINT0 level sets remote IRR", "LINT0 leaves the PIC to a poll", "LINT0 end of interrupt",
  ],
  "io-apic": ["I/O APIC edge clears TMR", "I/O APIC level sets TMR", "I/O APIC remote IRR", "I/O APIC end of interrupt"],
  power: ["PM timer event", "PM timer's highest bit has changed", "PM1 status and enable", "PM1 status is clear", "SCI is released"],
  uart: [
    "UART loop of the modem lines", "UART loop has received", "UART loop of data", "UART IIR of THRE", "UART IIR is clear",
    "UART no interrupt is left", "UART THRE after ETBEI off and on",
  ],
  "local-apic": [
    "TPR holds a request back", "TPR lets a higher class through alone", "ICR reads back", "ESR before a write", "ESR of an illegal vector",
    "ESR of a reserved register", "ESR is clear",
  ],
  "local-timer": [
    "APIC timer one-shot", "APIC timer stays at 0", "APIC timer mode change starts nothing", "APIC timer periodic",
    "APIC timer periodic to one-shot", "APIC timer masked", "APIC timer has no count in deadline mode", "TSC deadline",
    "TSC deadline is 0 after it", "TSC deadline disarmed by a mode change",
  ],
  modes: [
    "APIC version", "APIC disable", "APIC page of a disabled APIC", "disabled to x2APIC", "disabled to EXTD alone", "disabled to xAPIC",
    "APIC software-disabled after it", "APIC page moves", "APIC page at its new place", "APIC page has left the old one", "APIC page moves back",
    "APIC page onto RAM", "APIC base reserved bit", "xAPIC to x2APIC", "x2APIC version", "x2APIC identifier write", "x2APIC EOI other than 0",
    "x2APIC EOI", "x2APIC to xAPIC", "x2APIC to EXTD alone", "APIC identifier after all",
  ],
};

/** By whom the local APIC is carried out: the words of the kernel command line that choose so. */
const WAYS = [["virtualised by the processor", "platform-virtualised", "apic-virtualisation=on"], ["by software", "platform-software", ""]] as const;

describe.each(WAYS)("with the local APIC %s", (way, name, commandLine) => {
  let output: SystemOutput;
  let answers: Map<string, string>;

  beforeAll(async () => {
    const guest: SystemDescription["partitions"][number] = {
      name: "guest", core: 0, memory: "16 MiB", image: typescript("platform"), devices: ["local-apic", "io-apic", "pic", "pit", "rtc", "power-management", "uart"],
    };
    output = await bootSystem({ name: `test-${name}`, partitions: [guest] }, { timeoutSeconds: TIMEOUT_SECONDS, commandLine });
    const lines = output.of("guest").filter((line) => line.startsWith(CHECK));
    answers = new Map(lines.map((line) => [line.slice(CHECK.length, line.lastIndexOf(": ")), line.slice(line.lastIndexOf(": ") + 2)]));
  });

  describe.each(Object.entries(CHECKS))("%s", (_file, names) => {
    test.each(names)("%s", (check) => {
      expect(answers.get(check), output.lines.join("\n")).toBe("ok");
    });
  });

  test("the partition makes these checks and no others, and nothing of it is a violation", () => {
    expect([...answers.keys()]).toEqual(Object.values(CHECKS).flat());
    expect(output.of("guest")).toContain("uart: sent by interrupts");
    expect(output.of("guest").at(-1)).toBe("platform: over");
    expect(output.summary("guest")).toBe("summary: guest: core 0, 16 MiB, powered off, restarts 0, violations 0");
  });

  test("the kernel says so, and its exits show it", () => {
    expect(output.kernel.join("\n")).toContain(`local APICs: ${way}`);
    const exits = output.kernel.join("\n");
    for (const reason of ["APIC access", "APIC write", "virtualised EOI"]) expect(exits.includes(`exits ${reason} `), reason).toBe(commandLine !== "");
  });
});
