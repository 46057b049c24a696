// A Linux partition that owns a real NVMe disk, next to a TypeScript partition whose memory the disk cannot reach.
//
// It needs VT-d and such a disk. QEMU with KVM has both; any file of whole 512-byte blocks can be the disk:
//
//   truncate -s 64M disk.img
//   npm run bulkhead -- boot assigned-disk --on qemu --drive file=disk.img,format=raw,if=none,id=disk --device nvme,drive=disk,serial=bulkhead
//
// In the Linux shell /dev/nvme0n1 is the disk.

import { linux, system, typescript } from "../../scripts/policy/language.ts";
import { linuxCommandLine } from "../linux-command-line.ts";

export default system({
  name: "assigned-disk",
  partitions: [
    {
      name: "linux",
      core: 0,
      memory: "128 MiB",
      image: linux({ kernel: "debian-cloud", boot: "pvh", commandLine: linuxCommandLine() }),
      // QEMU's NVMe controller. `lspci -Dnn` shows vendor:device of another one; where there are several alike, write an address.
      pci: [{ device: "1b36:0010" }],
      keyboard: true,
      // DMA outside this partition's memory is blocked, named on the console, and ends the partition.
      health: { device: "stop" },
    },
    {
      name: "witness",
      core: 1,
      memory: "16 MiB",
      image: typescript("witness", { commandLine: "ticks=30 period=1000" }),
    },
  ],
});
