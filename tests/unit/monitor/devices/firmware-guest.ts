// A partition that starts with firmware, whose ROM is a pattern.

import { ImageKind, Mailbox, type AccessStatus } from "../../../../monitor/interface.ts";
import { startPartition, type MonitorOptions, type SimulatedPartition } from "../harness.ts";

export const MEBIBYTE = 1 << 20;
export const ROM_SIZE = 0x40000;

export function rom(size = ROM_SIZE): Buffer {
  return Buffer.from(Uint8Array.from({ length: size }, (_, index) => (index * 7 + (index >> 8)) & 0xff));
}

export async function firmware(options: MonitorOptions = {}): Promise<SimulatedPartition> {
  return startPartition({ imageKind: ImageKind.Firmware, kernel: rom(), lowMemory: 32 * MEBIBYTE, ...options });
}

export function status(partition: SimulatedPartition): AccessStatus {
  return partition.peek32(Mailbox.Status);
}
