// A template for a kernel of your own with a Multiboot header, next to a bare-metal partition. kernel.S here is one;
// its first lines say how to build kernel.elf. multiboot2({ ... }), pvh({ ... }) and flat({ ... }) take its place.

import { multiboot, system, typescript } from "../../scripts/policy/language.ts";

export default system({
  name: "multiboot",
  partitions: [
    {
      name: "kernel",
      core: 0,
      memory: "8 MiB",
      // modules: ["FILE", { file: "FILE", commandLine: "..." }] gives it files, on pages at the top of its memory.
      image: multiboot({ kernel: "kernel.elf", commandLine: "verbose" }),
    },
    { name: "clock", core: 1, memory: "16 MiB", image: typescript("clock", { commandLine: "ticks=3" }) },
  ],
});
