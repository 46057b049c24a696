// Few exits of each kind, to be traced instruction by instruction.

import { system, typescript } from "../policy/language.ts";

export default system({
  name: "bench-profile",
  partitions: [{ name: "bench", core: 0, memory: "16 MiB", image: typescript("bench", { commandLine: "rounds=2" }) }],
});
