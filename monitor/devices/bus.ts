// Port and memory accesses of the guest, sent to the device that answers.

import { hasDevice, hasFirmware } from "../configuration";
import { Image, imageSize, load8 } from "../imports";
import { AccessStatus, Device, IO_APIC_BASE, LOCAL_APIC_PAGE, PORT_PM1A_EVENT, ROM_END } from "../interface";
import { FirmwarePort, readFirmwarePort, writeFirmwarePort } from "./fw-cfg/ports";
import { readIoApic, writeIoApic } from "./io-apic";
import { readPage, writePage } from "./local-apic/page";
import { localApic } from "./local-apic/state";
import { PciPort, readPci, writePci } from "./pci/mechanism";
import { readPciMemory, writePciMemory } from "./pci/memory-space";
import { PicPort, readPic, writePic } from "./pic/pic";
import { PitPort, readPit, readSystemControl, writePit, writeSystemControl } from "./pit/pit";
import { readPowerManagement, writePowerManagement } from "./power-management";
import { readResetPort, ResetPort, writeResetPort } from "./reset-ports";
import { putOutput } from "./rings";
import { readRtc, RtcPort, writeRtc } from "./rtc/rtc";
import { openBus, setStatus } from "./status";
import { TextScreenPort, readTextScreen, writeTextScreen } from "./text-screen";
import { isTestMemory, isTestPort, readTestMemory, readTestPort, writeTestMemory, writeTestPort } from "./test-device";
import { readUart, UART_BASE, writeUart } from "./uart/uart";

const PAGE_OFFSET: u64 = 0xfff;
/** Written to pass a microsecond. */
const PORT_DELAY: u32 = 0xed;
/** 16 ports: POST codes, DMA pages, which delays use too. */
const PORT_POST_CODES: u32 = 0x80;

/** Devices whose registers are wider than a byte, or none. */
const enum WideDevice { None = 0, PowerManagement = 1, Pci = 2, FirmwareConfiguration = 3, Test = 4 }

/** Ports that the ISA bus decodes. Firmware looks there for devices that its partition does not have; that is no violation. */
const ISA_PORTS: u32 = 0x400;
/** 12 ports: QEMU's CPU hot-plug block, whose absence OVMF finds out (OvmfPkg/Include/IndustryStandard/QemuCpuHotplug.h). */
const PORT_CPU_HOTPLUG: u32 = 0xaf00;
/** Firmware writes text there if it reads DEBUG_CONSOLE_PRESENT (SeaBIOS src/hw/serialio.c). */
const PORT_DEBUG_CONSOLE: u32 = 0x402;
const DEBUG_CONSOLE_PRESENT: u32 = 0xe9;

/** Owner of a byte-wide port. Quiet ports are those of POST codes and delays, which every PC has, and those firmware probes. */
const enum ByteDevice { None = 0, Uart, Pic, Pit, SystemControl, Rtc, Reset, Quiet, DebugConsole, TextScreen }

function wideDevice(port: u32, size: u32): WideDevice {
  if ((port & ~0xf) == PORT_PM1A_EVENT) {
    const isInside = (port & 0xf) < 12 && (port & 3) + size <= 4;
    return isInside && hasDevice(Device.PowerManagement) ? WideDevice.PowerManagement : WideDevice.None;
  }
  if (port >= <u32>FirmwarePort.Selector && port < <u32>FirmwarePort.End) return hasFirmware() || hasDevice(Device.Test) ? WideDevice.FirmwareConfiguration : WideDevice.None;
  if (isTestPort(port)) return WideDevice.Test;
  if ((port & ~7) != PciPort.Address || (port == ResetPort.ResetControl && size == 1)) return WideDevice.None;
  return hasDevice(Device.Pci) ? WideDevice.Pci : WideDevice.None;
}

function granted(device: Device, owner: ByteDevice): ByteDevice {
  return hasDevice(device) ? owner : ByteDevice.None;
}

function byteDevice(port: u32): ByteDevice {
  if ((port & ~7) == UART_BASE) return granted(Device.Uart, ByteDevice.Uart);
  switch (port) {
    case PicPort.MasterCommand:
    case PicPort.MasterData:
    case PicPort.SlaveCommand:
    case PicPort.SlaveData:
    case PicPort.MasterElcr:
    case PicPort.SlaveElcr: return granted(Device.Pic, ByteDevice.Pic);
    case PitPort.Channel0:
    case PitPort.Channel1:
    case PitPort.Channel2:
    case PitPort.Control: return granted(Device.Pit, ByteDevice.Pit);
    case PitPort.SystemControl: return granted(Device.Pit, ByteDevice.SystemControl);
    case ResetPort.KeyboardData:
    case ResetPort.KeyboardCommand:
    case ResetPort.SystemControlA:
    case ResetPort.ResetControl: return granted(Device.PowerManagement, ByteDevice.Reset);
    case RtcPort.Index:
    case RtcPort.Data: return granted(Device.Rtc, ByteDevice.Rtc);
    case TextScreenPort.Index:
    case TextScreenPort.Data: return hasDevice(Device.TextScreen) ? ByteDevice.TextScreen : firmwarePort();
    case PORT_DELAY: return ByteDevice.Quiet;
    case PORT_DEBUG_CONSOLE: return hasDevice(Device.DebugConsole) ? ByteDevice.DebugConsole : firmwarePort();
    default:
      if ((port & ~0xf) == PORT_POST_CODES) return ByteDevice.Quiet;
      return port < ISA_PORTS || port - PORT_CPU_HOTPLUG < 12 ? firmwarePort() : ByteDevice.None;
  }
}

function firmwarePort(): ByteDevice {
  return hasFirmware() ? ByteDevice.Quiet : ByteDevice.None;
}

function readByte(port: u32): u32 {
  switch (byteDevice(port)) {
    case ByteDevice.Uart: return readUart(port & 7);
    case ByteDevice.Pic: return readPic(port);
    case ByteDevice.Pit: return readPit(port);
    case ByteDevice.SystemControl: return readSystemControl();
    case ByteDevice.Rtc: return readRtc(port);
    case ByteDevice.Reset: return readResetPort(port);
    case ByteDevice.Quiet: return 0xff;
    case ByteDevice.TextScreen: return readTextScreen(port);
    case ByteDevice.DebugConsole: return DEBUG_CONSOLE_PRESENT;
    default: return openBus() & 0xff;
  }
}

function writeByte(port: u32, value: u32): void {
  switch (byteDevice(port)) {
    case ByteDevice.Uart: writeUart(port & 7, value); return;
    case ByteDevice.Pic: writePic(port, value); return;
    case ByteDevice.Pit: writePit(port, value); return;
    case ByteDevice.SystemControl: writeSystemControl(value); return;
    case ByteDevice.Rtc: writeRtc(port, value); return;
    case ByteDevice.Reset: writeResetPort(port, value); return;
    case ByteDevice.Quiet: return;
    case ByteDevice.DebugConsole: putOutput(value); return;
    case ByteDevice.TextScreen: writeTextScreen(port, value); return;
    default: openBus(); return;
  }
}

// @ts-ignore: decorator
@inline function maskTo(value: u32, size: u32): u32 {
  return size == 4 ? value : value & (((<u32>1) << (size << 3)) - 1);
}

/** A wide access to byte-wide ports is one access a byte, as on the bus. */
function readBytes(port: u32, size: u32): u32 {
  let value: u32 = 0;
  for (let index: u32 = 0; index < size; index++) value |= readByte((port + index) & 0xffff) << (index << 3);
  return value;
}

/** IN of 1, 2 or 4 bytes; the value is masked to the size. */
export function portIn(vcpu: u32, port: u32, size: u32): u32 {
  setStatus(AccessStatus.Done);
  switch (wideDevice(port, size)) {
    case WideDevice.PowerManagement: return maskTo(readPowerManagement(port), size);
    case WideDevice.Pci: return maskTo(readPci(port, size), size);
    case WideDevice.FirmwareConfiguration: return maskTo(readFirmwarePort(port, size), size);
    case WideDevice.Test: return maskTo(readTestPort(port), size);
    default: return size == 1 ? readByte(port) : readBytes(port, size);
  }
}

/** OUT of 1, 2 or 4 bytes. */
export function portOut(vcpu: u32, port: u32, size: u32, value: u32): void {
  setStatus(AccessStatus.Done);
  switch (wideDevice(port, size)) {
    case WideDevice.PowerManagement:
      writePowerManagement(port, size, value);
      return;
    case WideDevice.Pci:
      writePci(port, size, value);
      return;
    case WideDevice.FirmwareConfiguration:
      writeFirmwarePort(port, size, value);
      return;
    case WideDevice.Test:
      writeTestPort(port, size, value);
      return;
  }
  for (let index: u32 = 0; index < size; index++) writeByte((port + index) & 0xffff, (value >> (index << 3)) & 0xff);
}

function isLocalApic(vcpu: u32, gpa: u64): bool {
  return (gpa & ~PAGE_OFFSET) == (localApic(vcpu).base & LOCAL_APIC_PAGE) && hasDevice(Device.LocalApic);
}

function isIoApic(gpa: u64): bool {
  return (gpa & ~PAGE_OFFSET) == IO_APIC_BASE && hasDevice(Device.IoApic);
}

function isRom(gpa: u64): bool {
  return hasFirmware() && gpa < ROM_END && gpa >= ROM_END - imageSize(Image.Kernel);
}

/** An instruction that also writes comes here to read what the ROM holds. */
function readRom(gpa: u64, size: u32): u64 {
  let value: u64 = 0;
  for (let index: u32 = 0; index < size; index++) value |= <u64>load8(gpa + index) << (index << 3);
  return value;
}

/** Reads 1, 2, 4 or 8 bytes of a device's memory; what no device answers gives all ones. */
export function memoryRead(vcpu: u32, gpa: u64, size: u32): u64 {
  if (isLocalApic(vcpu, gpa)) return readPage(vcpu, <u32>(gpa & PAGE_OFFSET));
  setStatus(AccessStatus.Done);
  if (isIoApic(gpa)) return readIoApic(<u32>(gpa & PAGE_OFFSET));
  if (isTestMemory(gpa, size)) return readTestMemory(gpa, size);
  if (isRom(gpa)) return readRom(gpa, size);
  return readPciMemory(gpa, size);
}

/** Writes 1, 2, 4 or 8 bytes of a device's memory; a ROM takes none. */
export function memoryWrite(vcpu: u32, gpa: u64, size: u32, value: u64): void {
  if (isLocalApic(vcpu, gpa)) {
    writePage(vcpu, <u32>(gpa & PAGE_OFFSET), size, <u32>value);
    return;
  }
  setStatus(AccessStatus.Done);
  if (isIoApic(gpa)) writeIoApic(<u32>(gpa & PAGE_OFFSET), <u32>value);
  else if (isTestMemory(gpa, size)) writeTestMemory(gpa, size, value);
  else if (!isRom(gpa)) writePciMemory(gpa, size, value);
}
