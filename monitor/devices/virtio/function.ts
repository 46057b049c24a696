// The virtual disk as a PCI function: a virtio block device without a legacy interface (virtio 1.2 4.1.2, 5.2).

import { FunctionMailbox, PCI_WINDOW_END } from "../../interface";
import { configValue, deviceOf } from "../pci/config-space";
import { DISK_FUNCTION, setBar, setFunctionField } from "../pci/function-record";
import { placeMessageTable } from "../pci/msix";
import { BaseAddress, Command, Header } from "../pci/register";
import { DISK_BAR_SIZE, MESSAGES, Region } from "./register";
import { readTransport, resetTransport, writeTransport } from "./transport";

const IDENTITY: u32 = 0x10421af4; // device id 0x1040 + 2
const CLASS_REVISION: u32 = 0x01000001; // mass storage; revision 1
const SUBSYSTEM: u32 = 0x11001af4;
const BAR: u32 = 0;

/** Fills in the record that headers and capabilities are made of, and resets the device. */
export function describeDisk(): void {
  setFunctionField(DISK_FUNCTION, FunctionMailbox.Identity, IDENTITY);
  setFunctionField(DISK_FUNCTION, FunctionMailbox.ClassRevision, CLASS_REVISION);
  setFunctionField(DISK_FUNCTION, FunctionMailbox.Subsystem, SUBSYSTEM);
  setFunctionField(DISK_FUNCTION, FunctionMailbox.MsixControl, MESSAGES);
  setFunctionField(DISK_FUNCTION, FunctionMailbox.MsixTable, Region.MessageTable | BAR);
  setFunctionField(DISK_FUNCTION, FunctionMailbox.MsixPending, Region.MessagePending | BAR);
  setBar(DISK_FUNCTION, BAR, PCI_WINDOW_END, DISK_BAR_SIZE);
  resetTransport();
}

function barRegister(): u32 {
  return configValue(deviceOf(DISK_FUNCTION), Header.BaseAddress);
}

/** The guest has written the BAR, which is decoded by the monitor and so can lie anywhere. */
export function moveDisk(): void {
  setBar(DISK_FUNCTION, BAR, barRegister() & ~<u32>BaseAddress.MemoryFlags, DISK_BAR_SIZE);
  placeMessageTable(DISK_FUNCTION);
}

/** Whether the structures of the disk answer at `gpa`; those of MSI-X are in the page behind. */
export function isDiskAddress(gpa: u64): bool {
  const offset = gpa - (barRegister() & ~<u32>BaseAddress.MemoryFlags);
  return offset < <u64>Region.Size && (configValue(deviceOf(DISK_FUNCTION), Header.Command) & Command.MemorySpace) != 0;
}

export function readDisk(gpa: u64, size: u32): u64 {
  return readTransport(<u32>gpa & (<u32>Region.Size - 1), size);
}

export function writeDisk(gpa: u64, size: u32, value: u64): void {
  writeTransport(<u32>gpa & (<u32>Region.Size - 1), size, value);
}
