// Physical addresses that are the machine's own. A BAR that firmware or a device puts there is not given away: through it a
// partition would reach memory, interrupt controllers, VT-d units, or every function's configuration space.

import { reservedMemoryBase, reservedMemoryCount, reservedMemoryLimit } from "../drivers/acpi/dmar/records";
import { ioApicAddress, ioApicCount } from "../drivers/acpi/madt";
import { ecamAddress, segmentCount, segmentFirstBus, segmentLastBus, segmentNumber } from "../drivers/acpi/mcfg";
import { hpetAddress } from "../drivers/acpi/hpet";
import { memoryMapBase, memoryMapCount, memoryMapLength, memoryMapType, MEMORY_AVAILABLE } from "../boot/boot-information";
import { PAGE_SIZE } from "../../kernel/memory/layout";
import { unitAt, unitCount } from "../../kernel/vtd/unit";

/** Interrupt messages go to 0xFEExxxxx, SDM 3A 11.11.1; the local APIC lies there too. */
const MESSAGES: u64 = 0xfee00000;
const MESSAGES_LENGTH: u64 = 0x100000;
/** Types of the memory map, Multiboot2 3.6.8: ACPI tables, and memory that the firmware keeps through hibernation. */
const MEMORY_ACPI: u32 = 3;
const MEMORY_NVS: u32 = 4;
/** Below lie RAM, video memory and the firmware. */
const FIRST_MEBIBYTE: u64 = 0x100000;
const BUS_LENGTH: u64 = 1 << 20;

/** Whether a byte of [base, base + length) belongs to the machine itself. */
export function isMachineMemory(base: u64, length: u64): bool {
  const end = base + length;
  if (end < base || base < FIRST_MEBIBYTE) return true;
  return meets(base, end, MESSAGES, MESSAGES_LENGTH) || isMemory(base, end) || isController(base, end) || isConfiguration(base, end);
}

/** Whether [base, end) has a byte, or a port, of the `length` at `start`. */
export function meets(base: u64, end: u64, start: u64, length: u64): bool {
  return base < start + length && end > start;
}

function isMemory(base: u64, end: u64): bool {
  for (let i: u32 = 0; i < memoryMapCount(); i++) {
    const type = memoryMapType(i);
    const isKept = type == MEMORY_AVAILABLE || type == MEMORY_ACPI || type == MEMORY_NVS;
    if (isKept && meets(base, end, memoryMapBase(i), memoryMapLength(i))) return true;
  }
  for (let i: u32 = 0; i < reservedMemoryCount(); i++) {
    if (meets(base, end, reservedMemoryBase(i), reservedMemoryLimit(i) + 1 - reservedMemoryBase(i))) return true;
  }
  return false;
}

function isController(base: u64, end: u64): bool {
  for (let i: u32 = 0; i < ioApicCount(); i++) {
    if (meets(base, end, ioApicAddress(i), PAGE_SIZE)) return true;
  }
  for (let i: u32 = 0; i < unitCount(); i++) {
    if (meets(base, end, unitAt(i).registers, unitAt(i).registersLength)) return true;
  }
  return hpetAddress() != 0 && meets(base, end, hpetAddress(), PAGE_SIZE);
}

function isConfiguration(base: u64, end: u64): bool {
  for (let i: u32 = 0; i < segmentCount(); i++) {
    const buses = <u64>(segmentLastBus(i) - segmentFirstBus(i) + 1);
    if (meets(base, end, ecamAddress(segmentNumber(i), segmentFirstBus(i)), buses * BUS_LENGTH)) return true;
  }
  return false;
}
