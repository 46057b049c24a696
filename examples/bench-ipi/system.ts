// The benchmark of interrupts between two vCPUs, a core each.

import { system, typescript } from "../../scripts/policy/language.ts";

export default system({
  name: "bench-ipi",
  partitions: [{ name: "smp", cores: [0, 1], memory: "16 MiB", image: typescript("smp", { commandLine: "start:1 ipi:1" }) }],
});
