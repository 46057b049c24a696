// Fixed ACPI Description Table, ACPI 6.4 section 5.2.9: PM timer, PM1 control registers and the DSDT.

import { load8, load32, load64 } from "../../../kernel/memory/physical";
import { AcpiStatus, findTable, tableLength, tableStatus } from "./tables";

export const FADT: u32 = 0x50434146; // "FACP"

const enum Field {
  Dsdt = 40, // u32
  SmiCommand = 48, // u32 port
  AcpiEnable = 52, // u8
  Pm1aControlBlock = 64, // u32 port
  Pm1bControlBlock = 68, // u32 port
  PmTimerBlock = 76, // u32 port
  Flags = 112, // u32
  XDsdt = 140, // u64
  XPm1aControlBlock = 172, // generic address structure
  XPm1bControlBlock = 184,
  XPmTimerBlock = 208,
}

/** Bytes of the table in ACPI 1.0, the least there can be. */
const MINIMUM_LENGTH: u32 = 116;
/** TMR_VAL_EXT: the PM timer has 32 bits, not 24. */
const FLAG_TIMER_32: u32 = 1 << 8;

/** Generic address structure, 5.2.3.2. */
const GAS_SPACE: u32 = 0; // u8
const GAS_ADDRESS: u32 = 4; // u64
const GAS_SIZE: u32 = 12;
const SPACE_SYSTEM_IO: u8 = 1;

let table: u64 = 0;
let length: u32 = 0;

export function parseFadt(): AcpiStatus {
  table = findTable(FADT);
  if (table == 0) return tableStatus(FADT);
  length = tableLength(table);
  if (length >= MINIMUM_LENGTH) return AcpiStatus.Done;
  table = 0;
  return AcpiStatus.TableMalformed;
}

/** I/O port of a register block: the extended field where it is there and names I/O space, else the old one; 0 if none. */
function portOf(extended: u32, old: u32): u16 {
  if (table == 0) return 0;
  if (length >= extended + GAS_SIZE) {
    const address = load64(table + extended + GAS_ADDRESS);
    if (address != 0 && address <= 0xffff && load8(table + extended + GAS_SPACE) == SPACE_SYSTEM_IO) return <u16>address;
  }
  const port = load32(table + old);
  return port <= 0xffff ? <u16>port : 0;
}

/** Port of the PM timer, 0 if there is none. */
export function pmTimerPort(): u16 { return portOf(Field.XPmTimerBlock, Field.PmTimerBlock); }

export function pmTimerHas32Bits(): bool {
  return table != 0 && (load32(table + Field.Flags) & FLAG_TIMER_32) != 0;
}

/** Port of PM1a_CNT, 0 if there is none. */
export function pm1aControlPort(): u16 { return portOf(Field.XPm1aControlBlock, Field.Pm1aControlBlock); }

/** Port of PM1b_CNT, 0 if there is none. */
export function pm1bControlPort(): u16 { return portOf(Field.XPm1bControlBlock, Field.Pm1bControlBlock); }

/** Port that takes acpiEnableValue(); 0 if the machine is always in ACPI mode. */
export function smiCommandPort(): u16 {
  if (table == 0) return 0;
  const port = load32(table + Field.SmiCommand);
  return port <= 0xffff ? <u16>port : 0;
}

export function acpiEnableValue(): u8 {
  return table == 0 ? 0 : load8(table + Field.AcpiEnable);
}

/** Physical address of the DSDT, 0 if there is none. */
export function dsdtAddress(): u64 {
  if (table == 0) return 0;
  if (length >= <u32>Field.XDsdt + 8) {
    const address = load64(table + Field.XDsdt);
    if (address != 0) return address;
  }
  return load32(table + Field.Dsdt);
}
