// Compiles AssemblyScript to WebAssembly, keeping the module as it was before optimisation for the audit.

import { readFileSync } from "node:fs";
import path from "node:path";
import asc from "assemblyscript/asc";
import { UserError } from "../error.ts";
import type { ModuleName } from "../audit/audit-module.ts";
import { projectDirectory } from "../policy/project.ts";

export type Target = ModuleName | "partition";

export interface Compiled {
  optimised: Uint8Array;
  unoptimised: Uint8Array;
  /** Source files that were read, with full paths. */
  sources: string[];
}

interface BinaryenModule {
  emitBinary(): Uint8Array;
}

/**
 * Compiles `entry`, a path relative to `baseDirectory`, which is also what function names are relative to.
 * Throws UserError with the compiler's messages (file, line, column) when the program is wrong.
 */
export async function compileAssemblyScript(entry: string, target: Target, baseDirectory: string = projectDirectory): Promise<Compiled> {
  const sources = new Set<string>();
  const written = new Map<string, Uint8Array>();
  const messages: string[] = [];
  let unoptimised: Uint8Array | undefined;

  class KeepUnoptimised {
    declare binaryen: { setDebugInfo(on: boolean): void };

    afterCompile(module: BinaryenModule): void {
      this.binaryen.setDebugInfo(true);
      unoptimised = module.emitBinary();
    }
  }

  const args = [entry, "--baseDir", baseDirectory, "--config", path.join(projectDirectory, "asconfig.json"), "--target", target, "--outFile", "module.wasm"];
  const { error } = await asc.main(args, {
    stdout: { write: (chunk) => void messages.push(String(chunk)) },
    stderr: { write: (chunk) => void messages.push(String(chunk)) },
    readFile: (name, directory) => {
      const file = path.resolve(directory, name);
      const content = readText(file);
      if (content !== null) sources.add(file);
      return content;
    },
    writeFile: (name, contents) => void written.set(name, Buffer.from(contents)),
    transforms: [KeepUnoptimised as unknown as never],
  });
  const optimised = written.get("module.wasm");
  if (error !== null || optimised === undefined || unoptimised === undefined) {
    throw new UserError(`${entry} does not compile\n${messages.join("").trim() || String(error)}`, "Correct the source at the file and line named above.");
  }
  return { optimised, unoptimised, sources: [...sources] };
}

function readText(file: string): string | null {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return null; // the compiler probes for several names of an import
  }
}
