// Multiple APIC Description Table (ACPI 5.0, 5.2.12).

import { hasDevice, vcpuCount } from "../configuration";
import { Device, GSI_SCI, IO_APIC_BASE, LOCAL_APIC_BASE } from "../interface";
import { beginTable, endTable } from "./table-header";
import { put16, put32, put8 } from "./writer";

const MADT_REVISION: u32 = 3;
const PCAT_COMPAT: u32 = 1 << 0; // two 8259 are there too

/** Type and length of each structure, both u8. */
const enum Structure { LocalApic = 0, IoApic = 1, InterruptSourceOverride = 2 }
const enum StructureLength { LocalApic = 8, IoApic = 12, InterruptSourceOverride = 10 }

const LOCAL_APIC_ENABLED: u32 = 1 << 0;
const ISA_BUS: u32 = 0;

/** MPS INTI flags, ACPI 5.0 table 5-50. */
const enum Inti { ActiveHigh = 1 << 0, EdgeTriggered = 1 << 2, LevelTriggered = 3 << 2 }

const TIMER_IRQ: u32 = 0;
const TIMER_GSI: u32 = 2;

/** The APIC id of a vCPU is its number. */
export function writeMadt(): u32 {
  const madt = beginTable("APIC", MADT_REVISION);
  put32(<u32>LOCAL_APIC_BASE);
  put32(hasDevice(Device.Pic) ? PCAT_COMPAT : 0);
  for (let i: u32 = 0; i < vcpuCount(); i++) putLocalApic(i);
  if (hasDevice(Device.IoApic)) putIoApic();
  endTable(madt);
  return madt;
}

function putLocalApic(vcpu: u32): void {
  put8(Structure.LocalApic);
  put8(StructureLength.LocalApic);
  put8(vcpu); // _UID of the processor device
  put8(vcpu);
  put32(LOCAL_APIC_ENABLED);
}

function putIoApic(): void {
  put8(Structure.IoApic);
  put8(StructureLength.IoApic);
  put8(0); // I/O APIC id
  put8(0); // reserved
  put32(<u32>IO_APIC_BASE);
  put32(0); // first GSI
  if (hasDevice(Device.Pit)) putOverride(TIMER_IRQ, TIMER_GSI, Inti.ActiveHigh | Inti.EdgeTriggered);
  if (hasDevice(Device.PowerManagement)) putOverride(GSI_SCI, GSI_SCI, Inti.ActiveHigh | Inti.LevelTriggered);
}

function putOverride(irq: u32, gsi: u32, flags: u32): void {
  put8(Structure.InterruptSourceOverride);
  put8(StructureLength.InterruptSourceOverride);
  put8(ISA_BUS);
  put8(irq);
  put32(gsi);
  put16(flags);
}
