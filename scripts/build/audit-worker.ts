// Child process of one audit: NAME UNOPTIMISED OPTIMISED REPORT. Writes the use of imports as JSON to REPORT.

import { readFileSync, writeFileSync } from "node:fs";
import { auditModule, type ModuleName } from "../audit/audit-module.ts";
import { refuseViolations } from "../audit/violation.ts";
import { describeError, UserError } from "../error.ts";

const [name, unoptimised, optimised, report] = process.argv.slice(2);
if (name === undefined || unoptimised === undefined || optimised === undefined || report === undefined) {
  throw new Error("usage: audit-worker NAME UNOPTIMISED OPTIMISED REPORT");
}
try {
  const { violations, imports } = auditModule(name as ModuleName, readFileSync(unoptimised), readFileSync(optimised));
  refuseViolations(`${name}.wasm`, violations);
  writeFileSync(report, JSON.stringify(imports, null, 1));
} catch (error) {
  process.stderr.write(`${error instanceof UserError ? error.message : describeError(error)}\n`);
  process.exitCode = 1;
}
