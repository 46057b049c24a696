// What the audit found against a function, and how it is told.

import { UserError } from "../error.ts";

/** A function that breaks a rule of the audit. */
export interface Violation {
  /** Name of the rule, such as "privileged-import". */
  rule: string;
  /** The function at fault. */
  function: string;
  /** What it does, and what would be right. */
  message: string;
}

/** Throws UserError that names function and rule of every violation. */
export function refuseViolations(subject: string, violations: readonly Violation[]): void {
  if (violations.length === 0) return;
  const lines = violations.map((violation) => `  [${violation.rule}] ${violation.function}: ${violation.message}`);
  throw new UserError(`the audit refuses ${subject}\n${lines.join("\n")}`, "Change the functions named above; the rules are those of DESIGN.md, 'The pipeline'.");
}
