// The doctor's findings as text.

import { isSound, type Finding, type Verdict } from "./findings.ts";

const MARKS: Record<Verdict, string> = { good: "ok", absent: "no", missing: "MISSING" };

export function formatFindings(findings: readonly Finding[]): string {
  const subjectWidth = Math.max(...findings.map(({ subject }) => subject.length));
  const markWidth = Math.max(...Object.values(MARKS).map((mark) => mark.length));
  const lines = findings.flatMap(({ subject, verdict, detail, remedy }) => [
    `${MARKS[verdict].padEnd(markWidth)}  ${subject.padEnd(subjectWidth)}  ${detail}`,
    ...(remedy === null ? [] : [`${" ".repeat(markWidth + subjectWidth + 4)}remedy: ${remedy}`]),
  ]);
  const end = isSound(findings) ? "Every command of Bulkhead works here." : "Some commands do not work here; the remedies are above.";
  return `${[...lines, end].join("\n")}\n`;
}
