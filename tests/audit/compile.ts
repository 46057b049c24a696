// Compiles a small program for a test of the audit.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { auditModule, type ModuleName } from "../../scripts/audit/audit-module.ts";
import type { Violation } from "../../scripts/audit/violation.ts";
import { compileAssemblyScript } from "../../scripts/build/assemblyscript.ts";

/** What the audit says of a program given as files by their paths; NAME/main.ts is the entry. */
export async function auditProgram(name: ModuleName, files: Record<string, string>): Promise<Violation[]> {
  const folder = mkdtempSync(path.join(tmpdir(), "bulkhead-audit-"));
  try {
    for (const [file, text] of Object.entries(files)) {
      mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
      writeFileSync(path.join(folder, file), text);
    }
    const { unoptimised, optimised } = await compileAssemblyScript(`${name}/main.ts`, name, folder);
    return auditModule(name, unoptimised, optimised).violations;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
