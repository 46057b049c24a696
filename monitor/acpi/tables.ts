// The ACPI tables of the virtual platform: RSDP -> RSDT and XSDT -> FADT -> FACS, DSDT; RSDT and XSDT -> MADT. They are made in a buffer; place.ts
// brings them into the guest's memory, or the guest's firmware does (devices/fw-cfg/).

import { hasDevice, hasFirmware } from "../configuration";
import { Device } from "../interface";
import { writeDsdt } from "./dsdt";
import { writeFacs } from "./facs";
import { writeFadt } from "./fadt";
import { writeMadt } from "./madt";
import { writeRsdp } from "./rsdp";
import { beginTable, beginTableList, endTable } from "./table-header";
import { beginBuffer, putPointer32, putPointer64 } from "./writer";

const XSDT_REVISION: u32 = 1;

/** Describes the devices that the policy grants, and no other. Returns the position of the RSDP, behind all tables. */
export function makeTables(): u32 {
  beginBuffer();
  beginTableList();
  const facs = writeFacs();
  const dsdt = writeDsdt();
  const fadt = writeFadt(facs, dsdt);
  const madt: u32 = hasDevice(Device.LocalApic) ? writeMadt() : 0;
  // Firmware makes one itself; kernels of the time of ACPI 1.0 know no other table.
  const rsdt: u32 = hasFirmware() ? 0 : writeRsdt(fadt, madt);
  return writeRsdp(rsdt, writeXsdt(fadt, madt));
}

/** Root System Description Table (ACPI 5.0, 5.2.7). */
function writeRsdt(fadt: u32, madt: u32): u32 {
  const rsdt = beginTable("RSDT", XSDT_REVISION);
  putPointer32(fadt);
  if (madt != 0) putPointer32(madt);
  endTable(rsdt);
  return rsdt;
}

/** Extended System Description Table (ACPI 5.0, 5.2.8). `madt` is 0 if there is none. */
function writeXsdt(fadt: u32, madt: u32): u32 {
  const xsdt = beginTable("XSDT", XSDT_REVISION);
  putPointer64(fadt);
  if (madt != 0) putPointer64(madt);
  endTable(xsdt);
  return xsdt;
}
