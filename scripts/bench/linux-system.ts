// Linux alone, on the options that it runs with bare: both are told the clock of the emulated processor, which bare
// Linux would take from CPUID 15h and get wrong there.

import { linuxCommandLine } from "../../examples/linux-command-line.ts";
import { INSTRUCTIONS_PER_SECOND } from "../emulator/bochs-configuration.ts";
import { linux, system } from "../policy/language.ts";

export const benchmarkCommandLine = linuxCommandLine(
  `tsc_early_khz=${INSTRUCTIONS_PER_SECOND / 1000}`,
  `lpj=${INSTRUCTIONS_PER_SECOND / 250}`,
  "bulkhead_after=power-off",
);

/** MiB, with Bulkhead and bare. */
export const BENCHMARK_MEMORY = 128;

export default system({
  name: "bench-linux",
  partitions: [
    { name: "linux", core: 0, memory: `${BENCHMARK_MEMORY} MiB`, image: linux({ kernel: "debian-cloud", boot: "pvh", commandLine: benchmarkCommandLine }) },
  ],
});
