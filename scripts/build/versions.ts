// Versions of the tools, so that an update rebuilds what the tool made.

import { readFileSync } from "node:fs";
import path from "node:path";
import { projectDirectory } from "../policy/project.ts";
import { run } from "./process.ts";

export function packageVersion(name: string): string {
  const text = readFileSync(path.join(projectDirectory, "node_modules", name, "package.json"), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}

/** First line of `clang --version`. */
export async function clangVersion(): Promise<string> {
  const output = await run("clang", ["--version"], "Install clang.");
  return output.split("\n")[0] ?? "";
}
