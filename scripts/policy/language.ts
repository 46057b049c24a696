// The language of a system file: `export default system({ ... })`.
//
// A system names its partitions; each has a core, memory, an image, devices and hypercalls. What is not named is
// not granted. Values are checked by schema.ts and checks.ts when the system is compiled.

import type { z } from "zod";
import type { biosSchema, flatSchema, linuxSchema, multiboot2Schema, multibootSchema, pvhSchema, systemSchema, typescriptSchema, uefiSchema } from "./schema.ts";

/** A system as its author writes it; optional fields may be left out. */
export type SystemDescription = z.input<typeof systemSchema>;
export type LinuxDescription = Omit<z.input<typeof linuxSchema>, "kind">;
export type TypescriptDescription = Omit<z.input<typeof typescriptSchema>, "kind" | "name">;

export type MultibootDescription = Omit<z.input<typeof multibootSchema>, "kind">;
export type PvhDescription = Omit<z.input<typeof pvhSchema>, "kind">;
export type FlatDescription = Omit<z.input<typeof flatSchema>, "kind">;

export type FirmwareDescription = Omit<z.input<typeof biosSchema>, "kind">;

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

/** A kernel with a Multiboot header: ELF32, ELF64 or address fields. */
export function multiboot(description: MultibootDescription): z.input<typeof multibootSchema> {
  return { kind: "multiboot", ...description };
}

/** A kernel with a Multiboot2 header. */
export function multiboot2(description: MultibootDescription): z.input<typeof multiboot2Schema> {
  return { kind: "multiboot2", ...description };
}

/** An ELF kernel with a PVH note. */
export function pvh(description: PvhDescription): z.input<typeof pvhSchema> {
  return { kind: "pvh", ...description };
}

/** A binary without headers, started in the mode that `mode` says. */
export function flat(description: FlatDescription): z.input<typeof flatSchema> {
  return { kind: "flat", ...description };
}

/** A PC with Debian's SeaBIOS, unless `firmware` names another ROM; it boots the partition's disk. */
export function bios(description: FirmwareDescription = {}): z.input<typeof biosSchema> {
  return { kind: "bios", ...description };
}

/** A PC with Debian's OVMF, unless `firmware` names another ROM; it boots the partition's disk. */
export function uefi(description: FirmwareDescription = {}): z.input<typeof uefiSchema> {
  return { kind: "uefi", ...description };
}
