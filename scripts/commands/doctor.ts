// `bulkhead doctor`

import { readFacts } from "../doctor/facts.ts";
import { examine, isSound } from "../doctor/findings.ts";
import { formatFindings } from "../doctor/report.ts";

/** Ends with status 1 if something is missing that a command needs. */
export function doctorCommand(): void {
  const findings = examine(readFacts());
  process.stdout.write(formatFindings(findings));
  if (!isSound(findings)) process.exitCode = 1;
}
