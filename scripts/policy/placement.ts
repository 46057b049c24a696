// Where the parts of an image lie in a partition's memory; monitor/loader/place.ts checks the same when it starts.

import { LOW_MEMORY_LIMIT, LOW_RESERVED_END } from "../../monitor/interface.ts";
import { BOOT_AREA } from "../../monitor/loader/layout.ts";
import { UserError } from "../error.ts";
import { MEMORY_GRANULE } from "./checks.ts";
import type { Relocation } from "./multiboot-header.ts";
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

/** The parts where they were linked if they may lie there, else moved together to the lowest place that the header allows. */
export function relocate(parts: Part[], relocation: Relocation | null, { field, file, memory }: Subject): Part[] {
  const start = Math.min(...parts.map((part) => part.start));
  const end = Math.max(...parts.map((part) => part.start + part.size));
  if (relocation === null || parts.length === 0) return parts;
  const { lowest, highest, alignment } = relocation;
  const limit = Math.min(memory, Number(LOW_MEMORY_LIMIT));
  const isFree = end <= limit && parts.every((part) => part.start >= Number(LOW_RESERVED_END) || part.start + part.size <= Number(BOOT_AREA));
  if (isFree && start >= lowest && end <= highest) return parts;
  const base = Math.ceil(Math.max(lowest, Number(LOW_RESERVED_END)) / alignment) * alignment;
  if (base + end - start > highest) {
    throw new UserError(
      `${field}.image: ${file} may be loaded from ${hexadecimal(lowest)} to ${hexadecimal(highest)} only, but needs ${hexadecimal(end - start)} bytes from ${hexadecimal(base)} on`,
      "Give it a relocatable tag with a wider range.",
    );
  }
  return parts.map((part) => ({ ...part, start: part.start - start + base }));
}

export function hexadecimal(value: number): string {
  return `0x${value.toString(16)}`;
}

function range({ start, size }: Part): string {
  return `${hexadecimal(start)}-${hexadecimal(start + size - 1)}`;
}
