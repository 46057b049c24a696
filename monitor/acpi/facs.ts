import { align, put32, put8, putText, putZeros, tell } from "./writer";

const FACS_SIZE: u32 = 64;
const FACS_VERSION: u32 = 2;

/** Firmware ACPI Control Structure (ACPI 6.4, 5.2.10): no waking vector, no flags. It has no checksum. Returns its position. */
export function writeFacs(): u32 {
  align(64);
  const facs = tell();
  putText("FACS");
  put32(FACS_SIZE);
  putZeros(24); // hardware signature to X firmware waking vector
  put8(FACS_VERSION);
  putZeros(31);
  return facs;
}
