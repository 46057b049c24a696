// The demo: an unmodified Debian Linux and a bare-metal partition written in TypeScript, on a core each.

import { linux, system, typescript } from "../../scripts/policy/language.ts";
import { linuxCommandLine } from "../linux-command-line.ts";

export default system({
  name: "demo",
  partitions: [
    {
      name: "linux",
      core: 0,
      memory: "128 MiB",
      image: linux({ kernel: "debian-cloud", boot: "pvh", commandLine: linuxCommandLine() }),
      keyboard: true,
    },
    {
      name: "clock",
      core: 1,
      memory: "16 MiB",
      image: typescript("clock", { commandLine: "ticks=30" }),
    },
  ],
});
