// Debian Linux on two cores, beside a bare-metal partition on a third.

import { linux, system, typescript } from "../../scripts/policy/language.ts";
import { linuxCommandLine } from "../linux-command-line.ts";

export default system({
  name: "smp-linux",
  partitions: [
    {
      name: "linux",
      cores: [0, 1],
      memory: "160 MiB",
      image: linux({ kernel: "debian-cloud", boot: "pvh", commandLine: linuxCommandLine() }),
      keyboard: true,
    },
    {
      name: "clock",
      core: 2,
      memory: "16 MiB",
      image: typescript("clock", { commandLine: "ticks=30" }),
    },
  ],
});
