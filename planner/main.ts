// Entry point of the planner: the floor calls it once, on core 0, before there is a kernel (boot/planner.c).

import { buildSystem } from "./build-system";

/** Finds the machine out and builds the system of the policy; `information`: what the loader left. Returns the physical address of the plan. */
export function plan(information: u64): u64 {
  return buildSystem(information);
}
