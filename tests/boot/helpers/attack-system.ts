// Systems of an attacker and a neighbour that must not notice it, on a core each.

import { typescript, type SystemDescription } from "../../../scripts/policy/language.ts";

type PartitionDescription = SystemDescription["partitions"][number];

/** Core of the attacker unless it asks for another one; core 0 also prints for all. */
export const ATTACKER_CORE = 0;
/** What the neighbour prints at its end. */
export const NEIGHBOUR_DONE = "witness: done";
/** Guest-physical address and value of the neighbour's marker (partitions/witness); a function that returns follows it. */
export const MARKER_ADDRESS = 0x300000;
export const MARKER = "5352544d";

export interface AttackOptions {
  /** What the attacker's policy says beyond its memory; on core 1 it has the neighbour on core 0. */
  attacker?: Partial<PartitionDescription>;
  /** Lines of the neighbour, one each 200 ms. */
  ticks?: number;
}

/** `attacks`: words of partitions/attacker. Both partitions have 4 MiB. */
export function attackSystem(name: string, attacks: readonly string[], options: AttackOptions = {}): SystemDescription {
  const { core = ATTACKER_CORE } = options.attacker ?? {};
  return {
    name,
    partitions: [
      { name: "attacker", core, memory: "4 MiB", image: typescript("attacker", { commandLine: attacks.join(" ") }), ...options.attacker },
      { name: "neighbour", core: 1 - core, memory: "4 MiB", image: typescript("witness", { commandLine: `ticks=${options.ticks ?? 3}` }) },
    ],
  };
}

/** Lines of a neighbour that nothing reached. */
export function untouched(ticks = 3): string[] {
  const lines = Array.from({ length: ticks }, (_, index) => `witness: tick ${index + 1}, marker stands`);
  return [`witness: marker ${MARKER} at ${MARKER_ADDRESS.toString(16)}`, ...lines, NEIGHBOUR_DONE];
}
