// Generic Address Structure (ACPI 6.4, 5.2.3.2).

import { put64, put8, putZeros } from "./writer";

const SYSTEM_IO: u32 = 1;

const enum AccessSize { Byte = 1, Word = 2, Dword = 3 }

const GENERIC_ADDRESS_SIZE: u32 = 12;

/** A register of `bytes` (1, 2 or 4) at an I/O port, reached in one access. */
export function putIoRegister(port: u32, bytes: u32): void {
  put8(SYSTEM_IO);
  put8(bytes * 8); // bits
  put8(0); // bit offset
  put8(bytes == 4 ? AccessSize.Dword : bytes == 2 ? AccessSize.Word : AccessSize.Byte);
  put64(port);
}

export function putNoRegister(): void {
  putZeros(GENERIC_ADDRESS_SIZE);
}
