// Differentiated System Description Table: what the guest cannot find out by itself. Each function is preceded by
// the ASL that it writes.

import { hasDevice, hasPciBus, vcpuCount } from "../configuration";
import { Device, GSI_UART, SLEEP_TYPE_S5 } from "../interface";
import {
  INTERRUPT_SIZE, IO_PORTS_SIZE, beginDevice, beginPackage, beginResources, beginScope, endPackage, endResources, putByte, putEisaId,
  putInterrupt, putIoPorts, putName, putString,
} from "./aml";
import { putPciRoot } from "./pci-root";
import { beginTable, endTable } from "./table-header";
import { put8 } from "./writer";

const DSDT_REVISION: u32 = 2;
const UART_PORT: u32 = 0x3f8;
const RTC_PORT: u32 = 0x70;
const DIGIT_ZERO: u32 = 0x30;

// DefinitionBlock ("", "DSDT", 2, "BULKHD", "BULKHEAD", 1) { … Scope (\_SB_) { … } }
export function writeDsdt(): u32 {
  const dsdt = beginTable("DSDT", DSDT_REVISION);
  if (hasDevice(Device.PowerManagement)) putSleepState();
  const bus = beginScope("_SB_");
  for (let i: u32 = 0; i < vcpuCount(); i++) putProcessor(i);
  if (hasDevice(Device.Uart)) putUart();
  if (hasDevice(Device.Rtc)) putRtc();
  if (hasPciBus()) putPciRoot();
  endPackage(bus);
  endTable(dsdt);
  return dsdt;
}

// Name (_S5, Package () {0x05, 0x05, 0x00, 0x00})
function putSleepState(): void {
  putName("_S5_");
  const values = beginPackage(4);
  putByte(SLEEP_TYPE_S5);
  putByte(SLEEP_TYPE_S5);
  putByte(0);
  putByte(0);
  endPackage(values);
}

// Device (CPU0) { Name (_HID, "ACPI0007") Name (_UID, 0x00) }
function putProcessor(vcpu: u32): void {
  const processor = beginDevice("CPU");
  put8(DIGIT_ZERO + vcpu); // fourth character of the name
  putName("_HID");
  putString("ACPI0007");
  putName("_UID");
  putByte(vcpu);
  endPackage(processor);
}

// Device (COM1) {
//   Name (_HID, EisaId ("PNP0501"))
//   Name (_UID, 0x01)
//   Name (_CRS, ResourceTemplate () { IO (Decode16, 0x03F8, 0x03F8, 0x01, 0x08) IRQNoFlags () {4} })
// }
function putUart(): void {
  const uart = beginDevice("COM1");
  putName("_HID");
  putEisaId("PNP", 0x0501);
  putName("_UID");
  putByte(1);
  putName("_CRS");
  const resources = beginResources(IO_PORTS_SIZE + INTERRUPT_SIZE);
  putIoPorts(UART_PORT, 8);
  putInterrupt(GSI_UART);
  endResources(resources);
  endPackage(uart);
}

// Device (RTC0) {
//   Name (_HID, EisaId ("PNP0B00"))
//   Name (_CRS, ResourceTemplate () { IO (Decode16, 0x0070, 0x0070, 0x01, 0x02) })
// }
function putRtc(): void {
  const rtc = beginDevice("RTC0");
  putName("_HID");
  putEisaId("PNP", 0x0b00);
  putName("_CRS");
  const resources = beginResources(IO_PORTS_SIZE);
  putIoPorts(RTC_PORT, 2);
  endResources(resources);
  endPackage(rtc);
}
