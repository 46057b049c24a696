// Functions of the kernel's floor, for tests that call them one by one.

import { commandLineHas, commandLineKeyHas } from "../../../kernel/boot/command-line";
import { fatalText } from "../../../kernel/boot/fatal";
import { printByte } from "../../../kernel/console/print";
import { buildCoreTables, CoreSpace, describeImage } from "../../../kernel/memory/paging";

const area: usize = memory.data(8192);

/** Linear memory that tests may use: 8192 bytes. */
export function scratch(): usize {
  return area;
}

export {
  parse, moduleCount, moduleAddress, moduleSize, memoryMapCount, memoryMapBase, memoryMapLength, memoryMapType, rsdpAddress,
  commandLineSize, informationAddress, informationLength,
} from "../../../kernel/boot/multiboot2";
export { selectedConsoles } from "../../../kernel/console/selection";
export { openConsoles, openedConsoles, flushConsoles } from "../../../kernel/console/devices";
export { printDecimal, printHex, printLine, printDirectly } from "../../../kernel/console/print";
export { createRings, attachRings, ringPages } from "../../../kernel/console/rings";
export {
  registerPartition, giveKeyboard, putPartitionByte, takeInput, drainRings, onInputInterrupt, startInput,
} from "../../../kernel/console/partitions";
export { initialise as initialiseFrames, allocate, allocateLarge, freeBytes } from "../../../kernel/memory/frames";
export { clearRanges, addRange, subtractRange, takeLowest, rangesSize, rangesOverflowed } from "../../../kernel/memory/ranges";
export { createTables, mapRange, mapDirect } from "../../../kernel/memory/paging";
export { createEpt, mapEpt } from "../../../kernel/memory/ept";
export { checkEpt, checkTables, sealFailureAddress, sealFailureEntry, sealLeaves, sealBytes } from "../../../kernel/memory/seal";
export { reportTrap } from "../../../kernel/boot/trap";
export { fatal, fatalWith } from "../../../kernel/boot/fatal";
export { startCore } from "../../../kernel/boot/cores";
export { findRsdp, findTables, findTable, tableStatus, tableCount } from "../../../drivers/acpi/tables";
export {
  parseMadt, coreCount, coreApicId, coresIgnored, ioApicCount, ioApicAddress, ioApicBase, interruptOverride, interruptFlags,
} from "../../../drivers/acpi/madt";
export { parseFadt, pmTimerPort, pmTimerHas32Bits, pm1aControlPort, pm1bControlPort, dsdtAddress } from "../../../drivers/acpi/fadt";
export { hpetAddress } from "../../../drivers/acpi/hpet";
export { findSleepState, s5TypeA, s5TypeB } from "../../../drivers/acpi/sleep-state";
export { calibrateTsc, calibrationClock, tscFrequency, setTscFrequency, delayMicroseconds } from "../../../drivers/tsc";
export { preparePowerOff, powerOffMachine } from "../../../drivers/power";
export { enable as enableLocalApic, identifier, endOfInterrupt, usesMsrs, sendInit, sendStartup, sendFixed } from "../../../drivers/local-apic";
export { maskAll, routeIsa } from "../../../drivers/io-apic";
export { disable as disablePic } from "../../../drivers/pic";

/** Builds tables from the CoreSpace at `space`, with the image filled in from the floor. */
export function buildTables(pml4: u64, space: usize): u32 {
  describeImage(changetype<CoreSpace>(space));
  return buildCoreTables(pml4, changetype<CoreSpace>(space));
}

/** Prints `length` bytes of linear memory. */
export function printBytes(address: usize, length: u32): void {
  for (let i: u32 = 0; i < length; i++) printByte(load<u8>(address + i));
}

export function hasStrict(): bool {
  return commandLineHas("strict");
}

export function hasVerboseLevel2(): bool {
  return commandLineKeyHas("verbose=", "2");
}

/** Letters of a reason's text. */
export function fatalTextLength(reason: u32): i32 {
  return fatalText(reason).length;
}
