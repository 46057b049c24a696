// The language of a system file: `export default system({ ... })`.
//
// A system names its partitions; each has a core, memory, an image, devices and hypercalls. What is not named is
// not granted. Values are checked by schema.ts and checks.ts when the system is compiled.

import type { z } from "zod";
import type { linuxSchema, systemSchema, typescriptSchema } from "./schema.ts";

/** A system as its author writes it; optional fields may be left out. */
export type SystemDescription = z.input<typeof systemSchema>;
export type LinuxDescription = Omit<z.input<typeof linuxSchema>, "kind">;
export type TypescriptDescription = Omit<z.input<typeof typescriptSchema>, "kind" | "name">;

/** Declares a system. */
export function system(description: SystemDescription): SystemDescription {
  return description;
}

/** A Linux kernel, unmodified: Debian's cloud kernel unless `kernel` names another file. */
export function linux(description: LinuxDescription = {}): z.input<typeof linuxSchema> {
  return { kind: "linux", ...description };
}

/** The bare-metal partition partitions/NAME, written in TypeScript. */
export function typescript(name: string, description: TypescriptDescription = {}): z.input<typeof typescriptSchema> {
  return { kind: "typescript", name, ...description };
}
