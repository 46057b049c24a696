// Multiple APIC Description Table, ACPI 6.4 section 5.2.12: cores, I/O APICs and the routes of the ISA interrupts.

import { load8, load16, load32 } from "../../../kernel/memory/physical";
import { AcpiStatus, findTable, tableLength, tableStatus } from "./tables";

export const MADT: u32 = 0x43495041; // "APIC"

/** Interrupt controller structures; each starts with u8 type and u8 length. */
const enum Structure {
  LocalApic = 0,
  IoApic = 1,
  InterruptSourceOverride = 2,
  LocalX2Apic = 9,
}

/** Bytes of each structure, by type; 2 where it is not read. */
const SIZES: usize = memory.data<u8>([8, 12, 10, 2, 2, 2, 2, 2, 2, 16]);

/** Offset of the first structure. */
const STRUCTURES: u32 = 44;
/** Local APIC flags: this core can be used. */
const ENABLED: u32 = 1;
/** xAPIC identifier that stands for all cores. */
const XAPIC_BROADCAST: u8 = 0xff;
/** Interrupt source bus of the overrides. */
const BUS_ISA: u8 = 0;

const MAXIMUM_CORES: u32 = 64;
const MAXIMUM_IO_APICS: u32 = 8;
const ISA_INTERRUPTS: u32 = 16;

@unmanaged
class IoApic {
  address: u32;
  /** First global system interrupt. */
  base: u32;
  /** I/O APIC ID, by which the DMAR table names it. */
  identifier: u32;
}
const IO_APIC_SIZE: usize = 12;

@unmanaged
class IsaInterrupt {
  /** Global system interrupt. */
  gsi: u32;
  /** MPS INTI flags, 5.2.12.5. */
  flags: u32;
}

// u32 APIC identifier of each core
const apicIds: usize = memory.data(256);
const ioApics: usize = memory.data(96); // MAXIMUM_IO_APICS * IO_APIC_SIZE
const isaInterrupts: usize = memory.data(128);

let cores: u32 = 0;
let ioApicTotal: u32 = 0;
let coresLeftOut: u32 = 0;

/** Reads the MADT. The core `bootApicId`, which runs this, becomes core 0; the others follow in the table's order. */
export function parseMadt(bootApicId: u32): AcpiStatus {
  reset(bootApicId);
  const table = findTable(MADT);
  if (table == 0) return tableStatus(MADT);
  const length = tableLength(table);
  let offset: u32 = STRUCTURES;
  while (offset + 2 <= length) {
    const structure = table + offset;
    const size: u32 = load8(structure + 1);
    if (size < 2 || offset + size > length) return AcpiStatus.TableMalformed;
    if (!parseStructure(structure, load8(structure), size)) return AcpiStatus.TableMalformed;
    offset += size;
  }
  return AcpiStatus.Done;
}

function reset(bootApicId: u32): void {
  store<u32>(apicIds, bootApicId);
  cores = 1;
  coresLeftOut = 0;
  ioApicTotal = 0;
  for (let irq: u32 = 0; irq < ISA_INTERRUPTS; irq++) {
    isaInterrupt(irq).gsi = irq;
    isaInterrupt(irq).flags = 0;
  }
}

function ioApicAt(index: u32): IoApic {
  return changetype<IoApic>(ioApics + <usize>index * IO_APIC_SIZE);
}

function isaInterrupt(irq: u32): IsaInterrupt {
  return changetype<IsaInterrupt>(isaInterrupts + (<usize>irq << 3));
}

/** False if the structure is shorter than its type. */
function parseStructure(structure: u64, type: u32, size: u32): bool {
  if (type <= <u32>Structure.LocalX2Apic && size < load<u8>(SIZES + type)) return false;
  switch (type) {
    case Structure.LocalApic:
      if (load8(structure + 3) != XAPIC_BROADCAST) addCore(load8(structure + 3), load32(structure + 4));
      break;
    case Structure.LocalX2Apic:
      addCore(load32(structure + 4), load32(structure + 8));
      break;
    case Structure.IoApic:
      addIoApic(load8(structure + 2), load32(structure + 4), load32(structure + 8));
      break;
    case Structure.InterruptSourceOverride:
      addOverride(load8(structure + 2), load8(structure + 3), load32(structure + 4), load16(structure + 8));
  }
  return true;
}

function addCore(apicId: u32, flags: u32): void {
  if (!(flags & ENABLED)) return;
  // Firmware may list a core both as local APIC and as local x2APIC.
  for (let i: u32 = 0; i < cores; i++) {
    if (coreApicId(i) == apicId) return;
  }
  if (cores == MAXIMUM_CORES) {
    coresLeftOut++;
    return;
  }
  store<u32>(apicIds + (<usize>cores << 2), apicId);
  cores++;
}

function addIoApic(identifier: u32, address: u32, base: u32): void {
  if (ioApicTotal == MAXIMUM_IO_APICS) return;
  const ioApic = ioApicAt(ioApicTotal);
  ioApic.identifier = identifier;
  ioApic.address = address;
  ioApic.base = base;
  ioApicTotal++;
}

function addOverride(bus: u8, irq: u32, gsi: u32, flags: u32): void {
  if (bus != BUS_ISA || irq >= ISA_INTERRUPTS) return;
  isaInterrupt(irq).gsi = gsi;
  isaInterrupt(irq).flags = flags;
}

/** Cores that can be used, the boot core included. */
export function coreCount(): u32 { return cores; }
/** Cores that did not fit the table. */
export function coresIgnored(): u32 { return coresLeftOut; }
/** APIC identifier of a core; core 0 is the boot core. */
export function coreApicId(index: u32): u32 { return load<u32>(apicIds + (<usize>index << 2)); }

export function ioApicCount(): u32 { return ioApicTotal; }
/** Physical address of an I/O APIC. */
export function ioApicAddress(index: u32): u64 { return ioApicAt(index).address; }
/** First global system interrupt of an I/O APIC. */
export function ioApicBase(index: u32): u32 { return ioApicAt(index).base; }
/** I/O APIC ID of an I/O APIC. */
export function ioApicIdentifier(index: u32): u32 { return ioApicAt(index).identifier; }

/** Global system interrupt of an ISA interrupt 0-15. */
export function interruptOverride(irq: u32): u32 { return isaInterrupt(irq & 15).gsi; }
/** Polarity (bits 1:0: 3 active low) and trigger mode (bits 3:2: 3 level) of an ISA interrupt; 0 as the bus has it. */
export function interruptFlags(irq: u32): u32 { return isaInterrupt(irq & 15).flags; }
