import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, it } from "vitest";
import { compileAssemblyScript } from "../../../scripts/build/assemblyscript.ts";
import { UserError } from "../../../scripts/error.ts";

it("passes on the TypeScript file and line of a mistake", async () => {
  const folder = mkdtempSync(path.join(tmpdir(), "bulkhead-compile-"));
  mkdirSync(path.join(folder, "kernel"));
  writeFileSync(path.join(folder, "kernel/main.ts"), "export function exit(): u32 {\n  return missing;\n}\n");
  try {
    const error: unknown = await compileAssemblyScript("kernel/main.ts", "kernel", folder).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(UserError);
    expect((error as UserError).message).toMatch(/Cannot find name 'missing'[\s\S]*in kernel\/main\.ts\(2,10\)/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
