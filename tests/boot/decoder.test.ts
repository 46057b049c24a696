// The MMIO decoder under a guest in real mode, whose instructions a processor has found to touch no RAM.

import { expect, test } from "vitest";
import { flat } from "../../scripts/policy/language.ts";
import { buildGuestKernel } from "./helpers/guest-kernels.ts";
import { bootSystem } from "./helpers/system.ts";

const TIMEOUT_SECONDS = 60;
/** Of tests/fixtures/guests/decoder.S. */
const CHECKS = 32;

test("real mode: instructions on the local APIC's page through FS, with registers of SSE and MMX too, and OUTSB from a segment of its own", async () => {
  const file = await buildGuestKernel("decoder", { source: "decoder", bits: 32, address: 0x7c00, flat: true });
  const output = await bootSystem(
    { name: "test-decoder", partitions: [{ name: "guest", core: 0, memory: "4 MiB", image: flat({ file, address: 0x7c00, mode: "real" }) }] },
    { timeoutSeconds: TIMEOUT_SECONDS },
  );
  expect(output.of("guest")).toEqual(["+".repeat(CHECKS), "all of them, and this by OUTSB"]);
  expect(output.summary("guest")).toBe("summary: guest: core 0, 4 MiB, powered off, restarts 0, violations 0");
});
