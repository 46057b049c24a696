// Shape of a system file: each field by itself. checks.ts looks at fields together.

import { z } from "zod";
import { MAXIMUM_PARTITION_DEVICES, MAXIMUM_PARTITIONS, NAME_LENGTH } from "../../kernel/policy/layout.ts";
import { MAXIMUM_VCPUS } from "../../monitor/interface.ts";
import { MAXIMUM_MODULES } from "../../monitor/loader/containers.ts";
import { parsePciName } from "./pci.ts";
import { parseSize } from "./size.ts";

/** Length of a command line that Linux accepts: COMMAND_LINE_SIZE on x86 is 2048 with its terminator. */
const MAXIMUM_COMMAND_LINE = 2047;
/** Of a multiboot module: 32 of them and the kernel's fit the room that the loader has for what it tells. */
const MAXIMUM_MODULE_COMMAND_LINE = 255;
/** Boot core included; the local APIC's physical destination names no more in xAPIC mode. */
export const MAXIMUM_CORES = 255;

const deviceNames = ["local-apic", "io-apic", "pic", "pit", "uart", "rtc", "power-management", "pci", "debug-console", "text-screen", "test-device"] as const;
const hypercallNames = ["version", "console-write", "power-off", "reset", "tsc-frequency", "console-read"] as const;
const healthActionNames = ["ignore", "inject-fault", "restart", "stop"] as const;

const identifier = z
  .string()
  .regex(/^[a-z][a-z0-9-]*$/, "use lower-case letters, digits and hyphens, beginning with a letter")
  .max(NAME_LENGTH - 1, `use at most ${NAME_LENGTH - 1} characters`);

const size = z.string({ error: 'write a size as text, such as "96 MiB"' }).transform((text, context) => {
  const bytes = parseSize(text);
  if (bytes !== null) return bytes;
  context.addIssue({ code: "custom", message: 'write a size as a whole number and KiB, MiB or GiB, such as "96 MiB"' });
  return z.NEVER;
});

const pciName = z.string({ error: 'write an address or an identity as text, such as "00:04.0"' }).transform((text, context) => {
  const result = parsePciName(text);
  if ("name" in result) return result.name;
  context.addIssue({ code: "custom", message: result.mistake });
  return z.NEVER;
});

const commandLine = z
  .string()
  .regex(/^[\x20-\x7e]*$/, "use printable ASCII characters on one line")
  .max(MAXIMUM_COMMAND_LINE, `use at most ${MAXIMUM_COMMAND_LINE} characters`);

const moduleCommandLine = commandLine.max(MAXIMUM_MODULE_COMMAND_LINE, `use at most ${MAXIMUM_MODULE_COMMAND_LINE} characters`);

export const linuxSchema = z.strictObject({
  kind: z.literal("linux"),
  /** "debian-cloud", "debian-rt", "debian-6.12", or the path of a vmlinux or bzImage from the system file's folder. */
  kernel: z.string().min(1).default("debian-cloud"),
  /** "pvh": vmlinux by its PVH note. "bzimage": the compressed kernel by the 64-bit boot protocol. */
  boot: z.enum(["pvh", "bzimage"]).default("pvh"),
  /** "demo", "none", or the path of a cpio archive from the system file's folder. */
  initramfs: z.string().min(1).default("demo"),
  commandLine: commandLine.default(""),
});

export const typescriptSchema = z.strictObject({
  kind: z.literal("typescript"),
  name: identifier,
  commandLine: commandLine.default(""),
});

const multibootFields = {
  /** Path of the kernel from the system file's folder: ELF32, ELF64, or with address fields in its header. */
  kernel: z.string().min(1),
  /** Files that it gets besides, each with a command line of its own. */
  modules: z
    .array(z.union([z.string().min(1), z.strictObject({ file: z.string().min(1), commandLine: moduleCommandLine.default("") })], { error: 'write "FILE" or { file: "FILE", commandLine: "..." }' }))
    .max(MAXIMUM_MODULES, `name at most ${MAXIMUM_MODULES} modules`)
    .default([]),
  commandLine: commandLine.default(""),
};

export const multibootSchema = z.strictObject({ kind: z.literal("multiboot"), ...multibootFields });
export const multiboot2Schema = z.strictObject({ kind: z.literal("multiboot2"), ...multibootFields });

export const pvhSchema = z.strictObject({
  kind: z.literal("pvh"),
  /** Path of an ELF32 or ELF64 file with a PVH note. */
  kernel: z.string().min(1),
  /** "none", or the path of a file that it gets as its module. */
  initramfs: z.string().min(1).default("none"),
  commandLine: commandLine.default(""),
});

export const flatSchema = z.strictObject({
  kind: z.literal("flat"),
  /** Path of a binary without headers. */
  file: z.string().min(1),
  /** Guest-physical address that it is loaded to. */
  address: z.int().min(0),
  /** Guest-physical address of its first instruction; its first byte if left out. */
  entry: z.int().min(0).optional(),
  mode: z.enum(["real", "32-bit", "64-bit"]),
});

const firmwareFields = {
  /** Path of the ROM from the system file's folder; Debian's if left out. */
  firmware: z.string().min(1).optional(),
};

export const biosSchema = z.strictObject({ kind: z.literal("bios"), ...firmwareFields });
export const uefiSchema = z.strictObject({ kind: z.literal("uefi"), ...firmwareFields });

const assignmentSchema = z.strictObject(
  {
    /** Address as "00:04.0" or "0000:00:04.0", or vendor and device id as "8086:10d3". */
    device: pciName,
    /** Map the reserved memory that the firmware names for it (RMRR). */
    reservedMemory: z.boolean().default(false),
    /** Let it keep translations of its own (ATS). */
    deviceTlb: z.boolean().default(false),
    /** Hand it over even if it has no reset. */
    withoutReset: z.boolean().default(false),
  },
  { error: (issue) => (issue.code === "invalid_type" ? 'write { device: "00:04.0" }' : undefined) },
);

const diskSchema = z
  .union(
    [
      z.string().min(1),
      z.strictObject({
        /** "demo", "boot", or the path of an image from the system file's folder. */
        file: z.string().min(1),
        readOnly: z.boolean().default(false),
      }),
    ],
    { error: 'write "FILE", "demo", "boot" or { file: "FILE", readOnly: true }' },
  )
  .transform((disk) => (typeof disk === "string" ? { file: disk, readOnly: false } : disk));

const healthSchema = z.strictObject({
  memory: z.enum(healthActionNames).default("ignore"),
  port: z.enum(healthActionNames).default("ignore"),
  msr: z.enum(healthActionNames).default("inject-fault"),
  fault: z.enum(["restart", "stop"]).default("stop"),
  /** One of its PCI functions tried DMA or an interrupt outside its grant. */
  device: z.enum(["ignore", "restart", "stop"]).default("stop"),
  restartLimit: z.int().min(0).max(1_000_000).default(3),
});

const coreNumber = z.int().min(0).max(MAXIMUM_CORES - 1);

const partitionSchema = z
  .strictObject({
    name: identifier,
    /** Index of the core in the order of the firmware's MADT, boot core 0. */
    core: coreNumber.optional(),
    /** Instead of `core`: one for each vCPU, that of its boot processor first. */
    cores: z.array(coreNumber).min(1, "name at least one core").max(MAXIMUM_VCPUS, `a partition has at most ${MAXIMUM_VCPUS} vCPUs`).optional(),
    memory: size,
    image: z.discriminatedUnion("kind", [linuxSchema, typescriptSchema, multibootSchema, multiboot2Schema, pvhSchema, flatSchema, biosSchema, uefiSchema], {
      error: 'write linux({ ... }) or typescript("NAME"), or one of multiboot, multiboot2, pvh, flat, bios and uefi',
    }),
    devices: z.array(z.enum(deviceNames)).optional(),
    hypercalls: z.array(z.enum(hypercallNames)).optional(),
    /** PCI functions of the machine that it owns. */
    pci: z.array(assignmentSchema).max(MAXIMUM_PARTITION_DEVICES, `a partition may own at most ${MAXIMUM_PARTITION_DEVICES} PCI devices`).default([]),
    /** Image of its virtual disk. */
    disk: diskSchema.optional(),
    /** Has the keyboard when the system starts. */
    keyboard: z.boolean().default(false),
    health: healthSchema.prefault({}),
  })
  .transform(({ core, cores, ...partition }, context) => ({
    ...partition,
    cores: resolveCores(core, cores, context),
    devices: withBus(partition.devices ?? defaultDevices(partition.image.kind), partition.disk !== undefined),
    hypercalls: partition.hypercalls ?? defaultHypercalls(partition.image.kind),
  }));

export const systemSchema = z.strictObject({
  name: identifier,
  /** When no partition runs any more: power the machine off, or print the summary and stop. */
  whenDone: z.enum(["power-off", "stop"]).default("power-off"),
  /** VT-d by context entries, or by PASID tables on units that have scalable mode. */
  remapping: z.enum(["legacy", "scalable"]).default("legacy"),
  partitions: z.array(partitionSchema).min(1, "name at least one partition").max(MAXIMUM_PARTITIONS, `name at most ${MAXIMUM_PARTITIONS} partitions`),
});

/** A system with every default filled in. */
export type System = z.output<typeof systemSchema>;
export type Partition = System["partitions"][number];
export type Disk = NonNullable<Partition["disk"]>;
export type Assignment = Partition["pci"][number];
export type Image = Partition["image"];
export type DeviceName = (typeof deviceNames)[number];
export type HypercallName = (typeof hypercallNames)[number];
export type HealthActionName = (typeof healthActionNames)[number];

/** `core: 1` is short for `cores: [1]`. */
function resolveCores(core: number | undefined, cores: number[] | undefined, context: z.RefinementCtx): number[] {
  if (core !== undefined && cores === undefined) return [core];
  if (core === undefined && cores !== undefined) return cores;
  context.addIssue({ code: "custom", path: ["core"], message: "write either core: 1, or cores: [1, 2] for one vCPU on each" });
  return z.NEVER;
}

// Written out: derived from the schema it would be circular.
type ImageKindName = "linux" | "typescript" | "multiboot" | "multiboot2" | "pvh" | "flat" | "bios" | "uefi";

/** What not every kernel has by default. Test kernels for virtual machines are multiboot kernels, and take the number of processors from their device. */
const specialDevices: Partial<Record<DeviceName, readonly ImageKindName[]>> = { "debug-console": [], "text-screen": ["multiboot", "multiboot2"], "test-device": ["multiboot"] };

function defaultDevices(kind: ImageKindName): DeviceName[] {
  if (kind === "typescript") return ["local-apic"];
  return deviceNames.filter((name) => specialDevices[name]?.includes(kind) ?? true);
}

/** A disk is reached through the configuration ports. */
function withBus(devices: DeviceName[], isNeeded: boolean): DeviceName[] {
  return isNeeded && !devices.includes("pci") ? [...devices, "pci"] : devices;
}

function defaultHypercalls(kind: ImageKindName): HypercallName[] {
  return kind === "typescript" ? ["version", "console-write", "power-off", "tsc-frequency"] : [];
}
