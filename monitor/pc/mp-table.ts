// Tables of the MultiProcessor Specification 1.4, chapter 4, which kernels read that know no ACPI.

import { copyToGuest } from "../acpi/place";
import { beginBuffer, patch16, put16, put32, put8, putText, putZeros, tell, writeChecksum } from "../acpi/writer";
import { hasDevice, vcpuCount } from "../configuration";
import { Device, IO_APIC_BASE, LOCAL_APIC_BASE } from "../interface";

/** Above the ACPI tables, and where such kernels look for the pointer: 4.1. */
const ADDRESS: u64 = 0xf8000;
const POINTER_SIZE: u32 = 16;
const POINTER_CHECKSUM: u32 = 10;
const REVISION: u32 = 4;

const enum Header { Length = 4, Checksum = 7, EntryCount = 34 }

/** 4.3: the first byte of an entry. */
const enum Entry { Processor = 0, Bus = 1, IoApic = 2, IoInterrupt = 3, LocalInterrupt = 4 }
const enum ProcessorFlag { Enabled = 1 << 0, Boot = 1 << 1 }
const enum InterruptType { Vectored = 0, Nmi = 1, External = 3 }

const APIC_VERSION: u32 = 0x14;
const IO_APIC_VERSION: u32 = 0x20;
const ISA_BUS: u32 = 0;
const IO_APIC: u32 = 0;
const ALL_LOCAL_APICS: u32 = 0xff;
const LINES: u32 = 16;
const CASCADE: u32 = 2;
/** The PIT's line 0 reaches this pin, as the MADT says too. */
const TIMER_PIN: u32 = 2;

let entries: u32 = 0;

export function writeMultiProcessorTables(): void {
  beginBuffer();
  putPointer();
  const table = tell();
  putHeader();
  entries = 0;
  for (let vcpu: u32 = 0; vcpu < vcpuCount(); vcpu++) putProcessor(vcpu);
  begin(Entry.Bus);
  put8(ISA_BUS);
  putText("ISA   ");
  begin(Entry.IoApic);
  put8(IO_APIC);
  put8(IO_APIC_VERSION);
  put8(1); // usable
  put32(<u32>IO_APIC_BASE);
  putInterrupts();
  const length = tell() - table;
  patch16(table + Header.Length, length);
  patch16(table + Header.EntryCount, entries);
  writeChecksum(table, length, table + Header.Checksum);
  copyToGuest(ADDRESS, 0, tell());
}

/** 4.1; without an IMCR the machine is in virtual-wire mode. */
function putPointer(): void {
  putText("_MP_");
  put32(<u32>ADDRESS + POINTER_SIZE);
  put8(POINTER_SIZE / 16);
  put8(REVISION);
  putZeros(6); // checksum, features
  writeChecksum(0, POINTER_SIZE, POINTER_CHECKSUM);
}

/** 4.2. */
function putHeader(): void {
  putText("PCMP");
  put16(0); // length, when it is known
  put8(REVISION);
  put8(0); // checksum
  putText("BULKHEAD");
  putText("PC          ");
  putZeros(8); // no OEM table; number of entries
  put32(<u32>LOCAL_APIC_BASE);
  putZeros(4); // no extended table
}

function begin(entry: Entry): void {
  put8(entry);
  entries++;
}

/** 4.3.1. Signature and features are left to CPUID. */
function putProcessor(vcpu: u32): void {
  begin(Entry.Processor);
  put8(vcpu);
  put8(APIC_VERSION);
  put8(ProcessorFlag.Enabled | (vcpu == 0 ? ProcessorFlag.Boot : 0));
  putZeros(16);
}

function putInterrupts(): void {
  if (hasDevice(Device.Pic)) putInterrupt(Entry.IoInterrupt, InterruptType.External, 0, IO_APIC, 0);
  for (let line: u32 = 0; line < LINES; line++) {
    if (line != CASCADE) putInterrupt(Entry.IoInterrupt, InterruptType.Vectored, line, IO_APIC, line == 0 ? TIMER_PIN : line);
  }
  putInterrupt(Entry.LocalInterrupt, InterruptType.External, 0, ALL_LOCAL_APICS, 0);
  putInterrupt(Entry.LocalInterrupt, InterruptType.Nmi, 0, ALL_LOCAL_APICS, 1);
}

/** 4.3.4, 4.3.5; polarity and trigger mode as the bus has them. */
function putInterrupt(entry: Entry, type: InterruptType, line: u32, target: u32, pin: u32): void {
  begin(entry);
  put8(type);
  put16(0);
  put8(ISA_BUS);
  put8(line);
  put8(target);
  put8(pin);
}
