// The monitor imports nothing but the short list of monitor/imports.ts: its partition's memory and images, and the clock.

import type { ModuleFacts } from "../module.ts";
import type { Violation } from "../violation.ts";

const ALLOWED: ReadonlySet<string> = new Set([
  "guest.load8",
  "guest.load16",
  "guest.load32",
  "guest.load64",
  "guest.store8",
  "guest.store16",
  "guest.store32",
  "guest.store64",
  "guest.clear",
  "guest.copyImage",
  "guest.copyToDisk",
  "guest.saveVectors",
  "guest.restoreVectors",
  "image.size",
  "image.load8",
  "image.load16",
  "image.load32",
  "image.load64",
  "time.now",
]);

export function checkMonitorImports(module: ModuleFacts): Violation[] {
  return [...module.functions.values()]
    .filter(({ imported }) => imported !== null && !ALLOWED.has(imported))
    .map(({ name, imported }) => ({
      rule: "monitor-import",
      function: callersOf(module, name).join(", ") || name,
      message: `imports ${imported}, which a monitor may not reach: only the imports of monitor/imports.ts`,
    }));
}

function callersOf(module: ModuleFacts, name: string): string[] {
  return [...module.functions.values()].filter(({ calls }) => calls.includes(name)).map((caller) => caller.name);
}
