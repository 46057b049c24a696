// Measures what a VM exit costs the guest; see partitions/bench.

import { system, typescript } from "../../scripts/policy/language.ts";

export default system({
  name: "bench-exits",
  partitions: [{ name: "bench", core: 0, memory: "16 MiB", devices: ["local-apic", "io-apic", "uart"], image: typescript("bench") }],
});
