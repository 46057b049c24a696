// The ACPI tables of the virtual platform, from RSDP_ADDRESS on in the reserved part of the first MiB:
// RSDP -> XSDT -> FADT -> FACS, DSDT; XSDT -> MADT.

import { hasDevice } from "../configuration";
import { Device, RSDP_ADDRESS } from "../interface";
import { writeDsdt } from "./dsdt";
import { writeFacs } from "./facs";
import { writeFadt } from "./fadt";
import { writeMadt } from "./madt";
import { RSDP_SIZE, writeRsdp } from "./rsdp";
import { beginTable, endTable } from "./table-header";
import { put64, seek } from "./writer";

const XSDT_REVISION: u32 = 1;

/** Describes the devices that the policy grants, and no other. */
export function writeAcpiTables(): void {
  seek(RSDP_ADDRESS + RSDP_SIZE);
  const facs = writeFacs();
  const dsdt = writeDsdt();
  const fadt = writeFadt(facs, dsdt);
  const madt: u64 = hasDevice(Device.LocalApic) ? writeMadt() : 0;
  writeRsdp(RSDP_ADDRESS, writeXsdt(fadt, madt));
}

/** Extended System Description Table (ACPI 5.0, 5.2.8). `madt` is 0 if there is none. */
function writeXsdt(fadt: u64, madt: u64): u64 {
  const xsdt = beginTable("XSDT", XSDT_REVISION);
  put64(fadt);
  if (madt != 0) put64(madt);
  endTable(xsdt);
  return xsdt;
}
