// A processor that cannot run partitions: what it lacks is named on every console before the boot stops. Bochs has no
// processor that passes the floor's checks and lacks a part of VMX; tests/unit/kernel/capability.test.ts simulates those.

import { expect, test } from "vitest";
import { kernelElf } from "../../scripts/build/paths.ts";
import { bootUntil } from "./helpers/boot.ts";

const FATAL = /fatal 8 on core 0: the machine lacks what the kernel needs/;

test("a processor without VMX is told so on every console", async () => {
  const { output, serial } = await bootUntil({ kernel: kernelElf, commandLine: "", modules: [] }, FATAL, { timeoutSeconds: 20, cpuModel: "ryzen" });
  for (const console of [output, serial]) {
    expect(console).toContain("[bulkhead] missing: CPUID.1:ECX bit 5 (VMX)");
    expect(console).toMatch(FATAL);
    expect(console).not.toContain("starts on core");
  }
});
