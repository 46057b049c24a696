// A partition that tries what it must not do, next to one that must not notice. The attacker's command line selects the
// attacks, see partitions/attacker/main.ts.

import { system, typescript } from "../../scripts/policy/language.ts";

export default system({
  name: "attack",
  partitions: [
    {
      name: "attacker",
      core: 0,
      memory: "16 MiB",
      image: typescript("attacker", { commandLine: "all" }),
      health: { memory: "ignore", port: "ignore", msr: "inject-fault", fault: "stop" },
    },
    {
      name: "neighbour",
      core: 1,
      memory: "16 MiB",
      image: typescript("clock", { commandLine: "ticks=5" }),
    },
  ],
});
