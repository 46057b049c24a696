// What a PC's BIOS leaves behind for kernels that a boot loader starts after it: words of its data area, and the MP tables.

import { hasDevice, imageKind } from "../configuration";
import { store16, store8 } from "../imports";
import { Device, ImageKind, LOW_RESERVED_BASE } from "../interface";
import { writeMultiProcessorTables } from "./mp-table";

/** Guest-physical addresses of the words in the BIOS data area (IBM PS/2 and PC BIOS Interface Technical Reference, section 3). */
const enum BiosData { SerialPort1 = 0x400, ExtendedSegment = 0x40e, MemoryKib = 0x413 }

const UART_PORT: u16 = 0x3f8;
/** The first byte of the extended data area is its size, up to 640 KiB. */
const EXTENDED_KIB: u8 = 4;

/** Before the image is loaded, which may lie over the data area. */
export function writeBiosData(): void {
  if (imageKind() != ImageKind.Multiboot && imageKind() != ImageKind.Multiboot2) return;
  if (hasDevice(Device.Uart)) store16(BiosData.SerialPort1, UART_PORT);
  store16(BiosData.ExtendedSegment, <u16>(LOW_RESERVED_BASE >> 4));
  store16(BiosData.MemoryKib, <u16>(LOW_RESERVED_BASE >> 10));
  store8(LOW_RESERVED_BASE, EXTENDED_KIB);
  if (hasDevice(Device.LocalApic) && hasDevice(Device.IoApic)) writeMultiProcessorTables();
}
