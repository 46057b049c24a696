// A processor that cannot run partitions: each missing capability is named on every console before the boot stops.

import { describe, expect, test } from "vitest";
import { kernelElf } from "../../scripts/build/paths.ts";
import { bootUntil } from "./helpers/boot.ts";

const FATAL = /fatal 8 on core 0: the processor lacks what the kernel needs/;

describe("a processor that cannot run partitions", () => {
  async function consoles(cpuModel: string, cpuFeatures?: string): Promise<string[]> {
    const processor = cpuFeatures === undefined ? { cpuModel } : { cpuModel, cpuFeatures };
    const { output, serial } = await bootUntil({ kernel: kernelElf, commandLine: "", modules: [] }, FATAL, { timeoutSeconds: 20, ...processor });
    return [output, serial];
  }

  test("without VMX", async () => {
    for (const console of await consoles("ryzen")) {
      expect(console).toContain("[bulkhead] missing: CPUID.1:ECX bit 5 (VMX)");
      expect(console).toMatch(FATAL);
      expect(console).not.toContain("starts on core");
    }
  });

  test("with the first VMX only: all that is missing is named, by MSR and bit", async () => {
    for (const console of await consoles("bx_generic", "level=6, fsgsbase=1, vmx=1, apic=x2apic")) {
      expect(console).toContain("XX");
    }
  });
});
