// Lines of code that Bulkhead's isolation rests on, as the build counts them: neither blank nor comment.

import { readFileSync } from "node:fs";
import type { AuditReport } from "../audit/report.ts";
import { auditReport, projectPath } from "../build/paths.ts";
import { UserError } from "../error.ts";
import { CODE_GOALS, type Figure } from "./figure.ts";

/** Folders behind each figure. A fault in monitor/ reaches its own partition only, one in console/ the console, and the kernel checks what planner/ built: they are counted apart. */
const FOLDERS = { "code.typescript": ["kernel", "drivers"], "code.native": ["boot"], "code.planner": ["planner"], "code.monitor": ["monitor"], "code.console": ["console"] } as const;

export async function benchmarkCode(): Promise<Figure[]> {
  return codeFigures((JSON.parse(readFileSync(auditReport, "utf8")) as AuditReport).trustedLines);
}

/** `lines`: of each folder. */
export function codeFigures(lines: Readonly<Record<string, number>>): Figure[] {
  const linesOf = (folder: string): number => {
    const count = lines[folder];
    if (count !== undefined) return count;
    throw new UserError(`${projectPath(auditReport)} does not count the lines of ${folder}/`, "Build it anew: delete build/, then `npm run build`.");
  };
  return Object.entries(FOLDERS).map(([name, folders]) => ({
    name,
    value: folders.reduce((sum, folder) => sum + linesOf(folder), 0),
    unit: "lines",
    goal: CODE_GOALS[name as keyof typeof FOLDERS],
  }));
}
