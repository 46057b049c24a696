// Events whose delivery meets an EPT violation: the guest gets the fault that access to memory that is not there causes, at the
// place of the event, and #DF where the two do not go together (SDM 3A table 6-5).

import { expect, test } from "vitest";
import { flat } from "../../scripts/policy/language.ts";
import { buildGuestKernel } from "./helpers/guest-kernels.ts";
import { bootSystem } from "./helpers/system.ts";

const ADDRESS = 0x300000;

test.each([
  ["in software", "", "d"],
  // Bochs leaves the vectoring information of the event before a virtual interrupt, here of an injected #GP: docs/emulators.md.
  ["virtualised", "apic-virtualisation=on", "8"],
])("every type of event, with a stack where no memory is, and the local APIC %s", async (name, commandLine, interrupt) => {
  const file = await buildGuestKernel("delivery", { source: "delivery", bits: 64, address: ADDRESS, flat: true });
  const output = await bootSystem(
    { name: `test-delivery-${name.replace(" ", "-")}`, partitions: [{ name: "guest", core: 0, memory: "8 MiB", image: flat({ file, address: ADDRESS, mode: "64-bit" }) }] },
    { timeoutSeconds: 40, commandLine },
  );
  expect(output.of("guest")).toEqual(["INT n: d 0+", "INT3: d 0+", "INT1: d 0+", "#UD: d 0+", `interrupt: ${interrupt} 0+`, "NMI: d 0+", "second NMI: d 0+", "#PF: 8 0+"]);
  expect(output.audits("guest", 0).map(({ what }) => what)).toEqual([expect.stringMatching(/^wrote guest-physical 0x00000ffff\w{3}, which is not its memory$/)]);
});
