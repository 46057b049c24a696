// Child process of one compilation, so that modules compile side by side: ENTRY TARGET OUTPUT.
// Writes OUTPUT.wasm, OUTPUT.unoptimised.wasm and, as JSON, the list of files read to OUTPUT.sources.json.

import { writeFileSync } from "node:fs";
import { describeError, UserError } from "../error.ts";
import { compileAssemblyScript, type Target } from "./assemblyscript.ts";

const [entry, target, output] = process.argv.slice(2);
if (entry === undefined || target === undefined || output === undefined) throw new Error("usage: compile-worker ENTRY TARGET OUTPUT");
try {
  const compiled = await compileAssemblyScript(entry, target as Target);
  writeFileSync(`${output}.wasm`, compiled.optimised);
  writeFileSync(`${output}.unoptimised.wasm`, compiled.unoptimised);
  writeFileSync(`${output}.sources.json`, JSON.stringify(compiled.sources));
} catch (error) {
  process.stderr.write(`${error instanceof UserError ? error.message : describeError(error)}\n`);
  process.exitCode = 1;
}
