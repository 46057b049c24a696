// What Linux knows of a block device.

import { spawnSync } from "node:child_process";
import { z } from "zod";
import { UserError } from "../error.ts";

export interface BlockDevice {
  path: string;
  /** disk, part, loop, rom, crypt, ... */
  type: string;
  /** Bytes. */
  size: number;
  /** The medium can be taken out (a card), or the device itself comes and goes (a USB stick or disk). */
  removable: boolean;
  readOnly: boolean;
  /** Model, size and bus, for people. */
  description: string;
  /** The disk that a partition belongs to; null for a disk. */
  parent: string | null;
  /** Of the device and of all that lies on it; [SWAP] for swap space. */
  mountPoints: string[];
}

const GIBIBYTE = 0x40000000;
const COLUMNS = "PATH,TYPE,SIZE,RM,HOTPLUG,RO,MOUNTPOINTS,MODEL,TRAN,PKNAME";

const nodeSchema = z.object({
  path: z.string(),
  type: z.string(),
  size: z.number(),
  rm: z.boolean(),
  hotplug: z.boolean(),
  ro: z.boolean(),
  mountpoints: z.array(z.string().nullable()),
  model: z.string().nullable(),
  tran: z.string().nullable(),
  pkname: z.string().nullable(),
  get children() {
    return z.array(nodeSchema).optional();
  },
});
const outputSchema = z.object({ blockdevices: z.array(nodeSchema).length(1) });

type Node = z.infer<typeof nodeSchema>;

/** Asks lsblk; throws UserError if there is no such block device. */
export function readDevice(path: string): BlockDevice {
  const { status, stdout, stderr } = spawnSync("lsblk", ["--json", "--bytes", "--output", COLUMNS, path], { encoding: "utf8" });
  if (status === 0) return parseDevice(stdout);
  throw new UserError(`${path} is not a block device\n${stderr ?? ""}`.trimEnd(), "`lsblk` lists the devices; the first argument of flash is the device, the second the image.");
}

/** From what `lsblk --json` prints of one device. */
export function parseDevice(json: string): BlockDevice {
  const [node] = outputSchema.parse(JSON.parse(json)).blockdevices;
  if (node === undefined) throw new Error("lsblk described no device");
  const names = [node.model?.trim(), `${(node.size / GIBIBYTE).toFixed(1)} GiB`, node.tran];
  return {
    path: node.path,
    type: node.type,
    size: node.size,
    removable: node.rm || (node.hotplug && node.tran === "usb"),
    readOnly: node.ro,
    description: names.filter((name) => typeof name === "string" && name !== "").join(", "),
    parent: node.pkname === null ? null : `/dev/${node.pkname}`,
    mountPoints: mountPoints([node]),
  };
}

/** A disk, its partitions and what they carry nest three or four deep. */
function mountPoints(nodes: readonly Node[]): string[] {
  return nodes.flatMap((node) => [...node.mountpoints.filter((point) => point !== null), ...mountPoints(node.children ?? [])]);
}
