// Modules that may use a short list of imports only: the monitor, the planner and the console.

import type { ModuleName } from "../audit-module.ts";
import type { ModuleFacts } from "../module.ts";
import type { Violation } from "../violation.ts";

type BoundedModule = Exclude<ModuleName, "kernel">;

const SIZES = ["8", "16", "32", "64"];

/** monitor/imports.ts: its partition's memory and images, and the clock. */
const MONITOR = [
  ...SIZES.flatMap((size) => [`guest.load${size}`, `guest.store${size}`, `image.load${size}`]),
  ...["guest.clear", "guest.copyImage", "guest.copyToDisk", "guest.saveVectors", "guest.restoreVectors", "image.size", "time.now"],
];

/** What reads the machine, ports, and memory, whose writes the floor bounds (boot/planner.c). No VMX, no WRMSR, no control registers. */
const PLANNER = [
  ...["boot.imageAddress", "boot.coreId", "boot.halt", "cpu.cpuid", "cpu.rdtsc", "cpu.rdmsr", "cpu.tryRdmsr", "cpu.pause"],
  ...["8", "16", "32"].flatMap((size) => [`port.in${size}`, `port.out${size}`]),
  ...SIZES.flatMap((size) => [`phys.load${size}`, `phys.store${size}`]),
  ...["phys.copy", "phys.clear", "phys.flushCache", "boot.emergencyPut"],
  ...["grant", "faulted", "open", "placeScreen", "closeScreen", "put", "flush", "beginFatal"].map((name) => `console.${name}`),
];

/** console/imports.ts: two devices, the rings, the screen and its letters. */
const CONSOLE = [
  ...["port.in8", "port.out8", "ring.load16", "ring.load32", "ring.store8", "ring.store32", "ring.compareExchange32"],
  ...["screen.store8", "screen.store16", "screen.store64", "font.load8"],
];

const ALLOWED: Record<BoundedModule, { imports: ReadonlySet<string>; where: string }> = {
  monitor: { imports: new Set(MONITOR), where: "only the imports of monitor/imports.ts" },
  console: { imports: new Set(CONSOLE), where: "only the imports of console/imports.ts" },
  planner: { imports: new Set(PLANNER), where: "only those that find out and build, listed in scripts/audit/rules/allowed-import.ts" },
};

export function checkAllowedImports(name: BoundedModule, module: ModuleFacts): Violation[] {
  const { imports, where } = ALLOWED[name];
  return [...module.functions.values()]
    .filter(({ imported }) => imported !== null && !imports.has(imported))
    .map((function_) => ({
      rule: `${name}-import`,
      function: callersOf(module, function_.name).join(", ") || function_.name,
      message: `imports ${function_.imported}, which a ${name} may not reach: ${where}`,
    }));
}

function callersOf(module: ModuleFacts, name: string): string[] {
  return [...module.functions.values()].filter(({ calls }) => calls.includes(name)).map((caller) => caller.name);
}
