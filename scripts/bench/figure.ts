// What a benchmark measures, and the goals of the project.

export interface Figure {
  name: string;
  value: number;
  unit: string;
  /** The value to stay at or below; null for a figure that is there for comparison only. */
  goal: number | null;
}

/** Instructions for one exit as the guest sees them. */
export const EXIT_GOALS = { "exit.cpuid": 120, "exit.vmcall": 150, "exit.rdmsr": 150, "exit.out": 400, "exit.mmio": 800 } as const;
/** Instructions from the RDTSC before a vCPU sends an interrupt to the RDTSC that the other one's handler begins with. */
export const IPI_GOAL = 600;
/** Linux's ticks to its /init, over those of bare Linux. */
export const LINUX_RATIO_GOAL = 1.02;
/** Instructions from the kernel's entry to the first one of its first partition. */
export const FIRST_GUEST_GOAL = 5_000_000;
/** Lines of code; the planner's, the monitor's and the console's are there for comparison. */
export const CODE_GOALS = { "code.typescript": 6000, "code.native": 800, "code.planner": null, "code.monitor": null, "code.console": null } as const;
