// Where the parts of an image lie in a partition's memory; monitor/loader/place.ts checks the same when it starts.

import { LOW_MEMORY_LIMIT, LOW_RESERVED_END } from "../../monitor/interface.ts";
import { BOOT_AREA } from "../../monitor/loader/layout.ts";
import { UserError } from "../error.ts";
import { MEMORY_GRANULE } from "./checks.ts";
import { formatSize } from "./size.ts";

const PAGE_SIZE = 4096;
const MIB = 1024 ** 2;

/** A piece of an image, by guest-physical address. */
export interface Part {
  name: string;
  start: number;
  size: number;
}

/** What a message says about the image. */
export interface Subject {
  /** Such as `system.ts: partitions[0]`. */
  field: string;
  /** Name and memory of the partition. */
  name: string;
  memory: number;
  file: string;
}

/** Throws a UserError unless all parts, and modules above them, fit the partition and no two overlap. */
export function checkPlacement(parts: Part[], modules: number[], subject: Subject): void {
  for (const part of parts) checkBootArea(part, subject);
  checkOverlaps(parts, subject);
  checkMemory(parts, modules, subject);
}

function checkBootArea(part: Part, { field, file }: Subject): void {
  const low = Number(BOOT_AREA);
  const high = Number(LOW_RESERVED_END);
  if (part.start >= high || part.start + part.size <= low) return;
  throw new UserError(
    `${field}.image: ${part.name} of ${file} lies at ${range(part)}, where boot information and ACPI tables are`,
    `Link it below ${hexadecimal(low)} or from ${hexadecimal(high)} on.`,
  );
}

function checkOverlaps(parts: Part[], { field, file }: Subject): void {
  const sorted = [...parts].sort((left, right) => left.start - right.start);
  for (const [index, part] of sorted.entries()) {
    const next = sorted[index + 1];
    if (next === undefined || part.start + part.size <= next.start) continue;
    throw new UserError(`${field}.image: ${part.name} of ${file} at ${range(part)} overlaps ${next.name} at ${range(next)}`, "Link it so that no two overlap.");
  }
}

function checkMemory(parts: Part[], modules: number[], { field, file, name, memory }: Subject): void {
  const end = Math.max(Number(LOW_RESERVED_END), ...parts.map(({ start, size }) => start + size));
  const needed = end + modules.reduce((sum, size) => sum + Math.ceil(size / PAGE_SIZE) * PAGE_SIZE, 0);
  if (needed <= Math.min(memory, Number(LOW_MEMORY_LIMIT))) return;
  const last = parts.reduce((highest, part) => (part.start + part.size > highest.start + highest.size ? part : highest));
  if (needed > Number(LOW_MEMORY_LIMIT)) {
    throw new UserError(
      `${field}.image: ${last.name} of ${file} lies at ${range(last)}, and images and modules must lie below ${formatSize(Number(LOW_MEMORY_LIMIT))}`,
      "Link it lower, or name smaller modules.",
    );
  }
  throw new UserError(
    `${field}.memory ("${name}") is ${formatSize(memory)}, but its image needs ${Math.ceil(needed / MIB)} MiB: ${last.name} of ${file} lies at ${range(last)}`,
    `Write at least "${formatSize(Math.ceil(needed / MEMORY_GRANULE) * MEMORY_GRANULE)}", or link it lower.`,
  );
}

export function hexadecimal(value: number): string {
  return `0x${value.toString(16)}`;
}

function range({ start, size }: Part): string {
  return `${hexadecimal(start)}-${hexadecimal(start + size - 1)}`;
}
