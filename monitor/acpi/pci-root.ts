// The PCI root bridge in the DSDT.

import { hasDisk, hasFirmware, lowMemory } from "../configuration";
import { FIRMWARE_WINDOW_BASE, GSI_DISK, IO_APIC_BASE, PCI_WINDOW_BASE } from "../interface";
import { DWORD_SPACE_SIZE, putBusNumbers, putIoWindow, putMemoryWindow, WORD_SPACE_SIZE } from "./address-space";
import {
  beginDevice, beginPackage, beginResources, endPackage, endResources, IO_PORTS_SIZE, putByte, putDword, putEisaId, putIoPorts, putName,
} from "./aml";

/** Ports of configuration mechanism 1; all others are passed on to the bus. */
const CONFIG_PORT: u32 = 0xcf8;
const CONFIG_PORTS: u32 = 8;
const LAST_PORT: u32 = 0xffff;

/** Address of device 2, the disk, whatever its function. */
const DISK_ADDRESS: u32 = 0x2ffff;
const PIN_A: u32 = 0;

const RESOURCES_SIZE: u32 = IO_PORTS_SIZE + 3 * WORD_SPACE_SIZE + DWORD_SPACE_SIZE;

// Device (PCI0) {
//   Name (_HID, EisaId ("PNP0A03"))
//   Name (_BBN, 0x00)
//   Name (_CRS, ResourceTemplate () {
//     WordBusNumber (…, 0x0000, 0x0000, …) IO (Decode16, 0x0CF8, 0x0CF8, 0x01, 0x08)
//     WordIO (…, 0x0000, 0x0CF7, …) WordIO (…, 0x0D00, 0xFFFF, …) DWordMemory (…, windowBase (), IO_APIC_BASE - 1, …)
//   })
//   Name (_PRT, Package () { Package () {0x0002FFFF, 0x00, 0x00, 0x0A} })     only with a disk
// }
export function putPciRoot(): void {
  const root = beginDevice("PCI0");
  putName("_HID");
  putEisaId("PNP", 0x0a03);
  putName("_BBN");
  putByte(0);
  putName("_CRS");
  const resources = beginResources(RESOURCES_SIZE);
  putBusNumbers(0, 0);
  putIoPorts(CONFIG_PORT, CONFIG_PORTS);
  putIoWindow(0, CONFIG_PORT - 1);
  putIoWindow(CONFIG_PORT + CONFIG_PORTS, LAST_PORT);
  putMemoryWindow(<u32>windowBase(), <u32>(IO_APIC_BASE - 1));
  endResources(resources);
  if (hasDisk()) putInterruptRoutes();
  endPackage(root);
}

/** Address, pin, no link device, global system interrupt, which is the PIC's request too (ACPI 5.0 6.2.12). */
function putInterruptRoutes(): void {
  putName("_PRT");
  const routes = beginPackage(1);
  const route = beginPackage(4);
  putDword(DISK_ADDRESS);
  putByte(PIN_A);
  putByte(0);
  putByte(GSI_DISK);
  endPackage(route);
  endPackage(routes);
}

/** Firmware places the functions from the end of RAM on. */
function windowBase(): u64 {
  return hasFirmware() ? max<u64>(FIRMWARE_WINDOW_BASE, lowMemory()) : PCI_WINDOW_BASE;
}
