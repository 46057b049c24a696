// Debian Linux with a virtual disk, which the start script mounts at /disk, next to a partition that cannot see it.
//
// What Linux writes there lasts over `reboot -f`, until the machine is switched off. "demo" is an ext4 file system with one file;
// disk: "FILE" names an image of your own, disk: { file: "FILE", readOnly: true } one that stays as it is.

import { linux, system, typescript } from "../../scripts/policy/language.ts";
import { linuxCommandLine } from "../linux-command-line.ts";

export default system({
  name: "linux-disk",
  partitions: [
    {
      name: "linux",
      core: 0,
      memory: "128 MiB",
      image: linux({ kernel: "debian-cloud", boot: "pvh", commandLine: linuxCommandLine() }),
      disk: "demo",
      keyboard: true,
    },
    { name: "clock", core: 1, memory: "16 MiB", image: typescript("clock", { commandLine: "ticks=30" }) },
  ],
});
