// Two further kernels of Debian's side by side, fetched when this system is first built: the real-time one, and 6.12.

import { linux, system } from "../../scripts/policy/language.ts";
import { linuxCommandLine } from "../linux-command-line.ts";

export default system({
  name: "linux-kernels",
  partitions: [
    { name: "rt", core: 0, memory: "160 MiB", keyboard: true, image: linux({ kernel: "debian-rt", boot: "pvh", commandLine: linuxCommandLine() }) },
    { name: "lts", core: 1, memory: "128 MiB", image: linux({ kernel: "debian-6.12", boot: "pvh", commandLine: linuxCommandLine() }) },
  ],
});
