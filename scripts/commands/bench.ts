// `bulkhead bench`

import { writeFileSync } from "node:fs";
import { benchmarkExits, benchmarkLinux, type Benchmark } from "../bench/bench.ts";
import { build } from "../build/build.ts";
import { ensurePrograms } from "../setup/setup.ts";

/** The peers in the same Bochs, as LAB.md has them: instructions for one exit. */
const PEERS: Record<string, string> = {
  "exit.cpuid": "Xen 4.17: 819, KVM 6.1: 965",
  "exit.vmcall": "Xen 4.17: 814, KVM 6.1: 1005",
  "exit.rdmsr": "Xen 4.17: 719, KVM 6.1: 1083",
};

export async function benchCommand(options: { json?: string }): Promise<void> {
  ensurePrograms("boot");
  await build();
  const results: Benchmark[] = [];
  for (const [title, benchmark] of [["exits", benchmarkExits], ["Linux, with Bulkhead and bare (two minutes)", benchmarkLinux]] as const) {
    process.stderr.write(`Measuring ${title}.\n`);
    const figures = await benchmark();
    results.push(...figures);
    for (const figure of figures) process.stdout.write(`${describe(figure)}\n`);
  }
  if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(results, null, 2)}\n`);
}

function describe({ name, value, unit, goal }: Benchmark): string {
  const verdict = goal === null ? "" : `goal ${goal}: ${value <= goal ? "met" : "missed"}`;
  return [name.padEnd(14), `${value} ${unit}`.padEnd(24), verdict.padEnd(18), PEERS[name] ?? ""].join("").trimEnd();
}
