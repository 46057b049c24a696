// What firmware is told of the platform: memory, vCPUs, ACPI tables, its console.

import { Rsdp } from "../../acpi/rsdp";
import { makeTables } from "../../acpi/tables";
import { bufferAddress } from "../../acpi/writer";
import { hasDevice, highMemory, lowMemory, vcpuCount } from "../../configuration";
import { Device, HIGH_MEMORY_BASE } from "../../interface";
import { writeMemorySizes } from "../rtc/memory-size";
import { UART_BASE } from "../uart/uart";
import { addItem, addPutItem, clearItems, nextByte, putBig, putLittle, putName } from "./items";
import { resetFirmwarePorts } from "./ports";
import { NAME_SIZE, putTableLoader, RSDP_FILE, TABLES_FILE } from "./table-loader";

/** Keys (QEMU docs/specs/fw_cfg, "Selector Register"); items that are not there read 0. */
const enum Key {
  Signature = 0x00,
  Id = 0x01,
  RamSize = 0x03,
  VcpuCount = 0x05,
  MaximumVcpus = 0x0f,
  Directory = 0x19,
  FirstFile = 0x20,
}

const ID_TRADITIONAL_AND_DMA: u64 = 3;
const E820_MEMORY: u32 = 1;

const enum File { Tables = 0, Rsdp = 1, Loader = 2, MemoryMap = 3, SerialConsole = 4 }

/** Makes all items anew: for each start of the partition. */
export function describePlatform(): void {
  writeMemorySizes();
  resetFirmwarePorts();
  clearItems();
  putItem(Key.Signature, 0x554d4551, 4); // "QEMU"
  putItem(Key.Id, ID_TRADITIONAL_AND_DMA, 4);
  putItem(Key.RamSize, lowMemory() + highMemory(), 8);
  putItem(Key.VcpuCount, vcpuCount(), 2);
  putItem(Key.MaximumVcpus, vcpuCount(), 2);
  const rsdp = makeTables();
  addItem(Key.FirstFile + File.Tables, bufferAddress(0), rsdp);
  addItem(Key.FirstFile + File.Rsdp, bufferAddress(rsdp), Rsdp.Size);
  const loader = nextByte();
  putTableLoader(rsdp);
  const loaderSize = <u32>(nextByte() - loader);
  addPutItem(Key.FirstFile + File.Loader, loader);
  const map = nextByte();
  putMemoryMap();
  const mapSize = <u32>(nextByte() - map);
  addPutItem(Key.FirstFile + File.MemoryMap, map);
  if (hasDevice(Device.Uart)) putItem(Key.FirstFile + File.SerialConsole, UART_BASE, 2);
  const directory = nextByte();
  putBig(hasDevice(Device.Uart) ? 5 : 4, 4);
  putDirectoryEntry(TABLES_FILE, File.Tables, rsdp);
  putDirectoryEntry(RSDP_FILE, File.Rsdp, Rsdp.Size);
  putDirectoryEntry("etc/table-loader", File.Loader, loaderSize);
  putDirectoryEntry("etc/e820", File.MemoryMap, mapSize);
  if (hasDevice(Device.Uart)) putDirectoryEntry("etc/sercon-port", File.SerialConsole, 2);
  addPutItem(Key.Directory, directory);
}

function putItem(key: u32, value: u64, bytes: u32): void {
  const start = nextByte();
  putLittle(value, bytes);
  addPutItem(key, start);
}

/** Size, key and name of a file, in this order. */
function putDirectoryEntry(name: string, file: File, size: u32): void {
  putBig(size, 4);
  putBig(Key.FirstFile + file, 2);
  putLittle(0, 2);
  putName(name, NAME_SIZE);
}

/** RAM only: what lies in it that is not for the guest, the firmware says itself. */
function putMemoryMap(): void {
  putRange(0, lowMemory());
  if (highMemory() != 0) putRange(HIGH_MEMORY_BASE, highMemory());
}

function putRange(address: u64, length: u64): void {
  putLittle(address, 8);
  putLittle(length, 8);
  putLittle(E820_MEMORY, 4);
}
