// The figures as a table, with the peers' beside them.

import type { Figure } from "./figure.ts";

/** Instructions for one exit in the same emulator (KVM with and without mitigations=off). */
const PEERS: Readonly<Record<string, string>> = {
  "exit.cpuid": "Xen 4.17 819, KVM 6.1 965 (mitigated 1061)",
  "exit.vmcall": "Xen 4.17 814, KVM 6.1 1005 (mitigated 1101)",
  "exit.rdmsr": "Xen 4.17 719, KVM 6.1 1083 (mitigated 1179)",
};
const HEADINGS = ["name", "value", "unit", "goal", "", "peers"];
const RIGHT_ALIGNED = new Set([1, 3]);

export function formatTable(figures: readonly Figure[]): string {
  const rows = [HEADINGS, ...figures.map(rowOf)];
  const widths = HEADINGS.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) => row.map((cell, column) => pad(cell, widths[column] ?? 0, column)).join("  ").trimEnd()).join("\n");
}

function rowOf({ name, value, unit, goal }: Figure): string[] {
  const verdict = goal === null ? "" : value <= goal ? "met" : "missed";
  return [name, value.toLocaleString("en-GB", { maximumFractionDigits: 4 }), unit, goal === null ? "" : `<= ${goal}`, verdict, PEERS[name] ?? ""];
}

function pad(cell: string, width: number, column: number): string {
  return RIGHT_ALIGNED.has(column) ? cell.padStart(width) : cell.padEnd(width);
}
