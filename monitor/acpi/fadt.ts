// Fixed ACPI Description Table, revision 5 (ACPI 5.0, 5.2.9).

import { hasDevice } from "../configuration";
import { Device, GSI_SCI, PORT_PM1A_CONTROL, PORT_PM1A_EVENT, PORT_PM_TIMER } from "../interface";
import { putIoRegister, putNoRegister } from "./generic-address";
import { beginTable, endTable } from "./table-header";
import { put16, put32, put8, putPointer32, putPointer64, putZeros } from "./writer";

const FADT_REVISION: u32 = 5;

/** Fixed feature flags, ACPI 5.0 table 5-35. */
const enum Feature {
  Wbinvd = 1 << 0,
  ProcC1 = 1 << 2,
  NoPowerButton = 1 << 4, // no fixed-hardware button
  NoSleepButton = 1 << 5,
  NoRtcWake = 1 << 6, // no fixed-hardware RTC wake status
  ResetRegister = 1 << 10, // without TMR_VAL_EXT, bit 8: the PM timer has 24 bits
  HardwareReduced = 1 << 20,
}

/** IA-PC boot architecture flags, ACPI 5.0 table 5-36. An absent 8042 is a clear bit 1. */
const enum BootArchitecture {
  LegacyDevices = 1 << 0,
  VgaNotPresent = 1 << 2,
  CmosRtcNotPresent = 1 << 5,
}

const enum Length { Pm1Event = 4, Pm1Control = 2, PmTimer = 4 } // bytes

const RESET_PORT: u32 = 0xcf9;
const RESET_VALUE: u32 = 6; // full reset
/** Latencies above these say that C2 and C3 do not exist. */
const NO_C2_LATENCY: u32 = 0xffff;
const NO_C3_LATENCY: u32 = 0xffff;

export function writeFadt(facs: u32, dsdt: u32): u32 {
  const hasPowerManagement = hasDevice(Device.PowerManagement);
  const fadt = beginTable("FACP", FADT_REVISION);
  putPointer32(facs);
  putPointer32(dsdt);
  put8(0); // reserved
  put8(0); // preferred profile: unspecified
  put16(hasPowerManagement ? GSI_SCI : 0);
  putZeros(8); // no SMI command port: the platform is always in ACPI mode
  putPorts(hasPowerManagement);
  put16(NO_C2_LATENCY);
  put16(NO_C3_LATENCY);
  putZeros(9); // flush size to century
  put16(bootArchitecture());
  put8(0); // reserved
  put32(features(hasPowerManagement));
  putResetRegister(hasPowerManagement);
  putZeros(3); // ARM boot architecture, minor version
  putPointer64(facs);
  putPointer64(dsdt);
  putRegisters(hasPowerManagement);
  endTable(fadt);
  return fadt;
}

/** The 32-bit port numbers and the lengths of the register blocks. */
function putPorts(hasPowerManagement: bool): void {
  if (!hasPowerManagement) {
    putZeros(40);
    return;
  }
  put32(PORT_PM1A_EVENT);
  put32(0); // PM1b_EVT_BLK
  put32(PORT_PM1A_CONTROL);
  put32(0); // PM1b_CNT_BLK
  put32(0); // PM2_CNT_BLK
  put32(PORT_PM_TIMER);
  putZeros(8); // GPE0_BLK, GPE1_BLK
  put8(Length.Pm1Event);
  put8(Length.Pm1Control);
  put8(0); // PM2_CNT_LEN
  put8(Length.PmTimer);
  putZeros(4); // GPE lengths, GPE1_BASE, CST_CNT
}

function putResetRegister(hasPowerManagement: bool): void {
  if (!hasPowerManagement) {
    putNoRegister();
    put8(0);
    return;
  }
  putIoRegister(RESET_PORT, 1);
  put8(RESET_VALUE);
}

/** The same blocks as generic addresses, then the sleep registers of hardware-reduced ACPI. */
function putRegisters(hasPowerManagement: bool): void {
  if (hasPowerManagement) {
    putIoRegister(PORT_PM1A_EVENT, Length.Pm1Event);
    putNoRegister(); // X_PM1b_EVT_BLK
    putIoRegister(PORT_PM1A_CONTROL, Length.Pm1Control);
    putNoRegister(); // X_PM1b_CNT_BLK
    putNoRegister(); // X_PM2_CNT_BLK
    putIoRegister(PORT_PM_TIMER, Length.PmTimer);
  } else {
    for (let i = 0; i < 6; i++) putNoRegister();
  }
  putNoRegister(); // X_GPE0_BLK
  putNoRegister(); // X_GPE1_BLK
  putNoRegister(); // SLEEP_CONTROL_REG
  putNoRegister(); // SLEEP_STATUS_REG
}

function bootArchitecture(): u32 {
  let flags: u32 = BootArchitecture.VgaNotPresent;
  if (hasDevice(Device.Uart)) flags |= BootArchitecture.LegacyDevices;
  if (!hasDevice(Device.Rtc)) flags |= BootArchitecture.CmosRtcNotPresent;
  return flags;
}

function features(hasPowerManagement: bool): u32 {
  const flags: u32 = Feature.Wbinvd | Feature.ProcC1 | Feature.NoPowerButton | Feature.NoSleepButton | Feature.NoRtcWake;
  return flags | (hasPowerManagement ? Feature.ResetRegister : Feature.HardwareReduced);
}
