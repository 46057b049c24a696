// Debian's kernel as Debian ships it, a bzImage, by the 64-bit boot protocol.

import { linux, system } from "../../scripts/policy/language.ts";
import { linuxCommandLine } from "../linux-command-line.ts";

export default system({
  name: "linux-bzimage",
  partitions: [
    {
      name: "linux",
      core: 0,
      memory: "160 MiB",
      image: linux({ kernel: "debian-cloud", boot: "bzimage", commandLine: linuxCommandLine() }),
      keyboard: true,
    },
  ],
});
