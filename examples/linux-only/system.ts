// Debian Linux alone, which powers off once its application has run: for the benchmark of ticks to /init.

import { linux, system } from "../../scripts/policy/language.ts";
import { linuxCommandLine } from "../linux-command-line.ts";

export default system({
  name: "linux-only",
  partitions: [
    {
      name: "linux",
      core: 0,
      memory: "128 MiB",
      image: linux({ kernel: "debian-cloud", boot: "pvh", commandLine: linuxCommandLine("bulkhead_after=power-off") }),
    },
  ],
});
