// Type 0 headers of the host bridge and of the functions (PCI 3.0 6.1).

import { FunctionMailbox, GSI_DISK } from "../../interface";
import { deviceOf, defineRegister, HOST_BRIDGE } from "./config-space";
import { BAR_COUNT, barAddress, barFlags, barSize, DISK_FUNCTION, functionField } from "./function-record";
import { INTERRUPT_PIN_A } from "./pin";
import { BaseAddress, Command, Header } from "./register";

/** 8086:0d57, a host bridge that only virtual machines have: no driver and no quirk of a guest looks for it. */
const HOST_BRIDGE_IDENTITY: u32 = 0x0d578086;
const HOST_BRIDGE_CLASS: u32 = 0x06000000;

const COMMAND_WRITABLE: u32 = Command.IoSpace | Command.MemorySpace | Command.BusMaster | Command.ParityErrorResponse | Command.SerrEnable | Command.InterruptDisable;
const CACHE_LINE_SIZE: u32 = 0xff;
const INTERRUPT_LINE: u32 = 0xff;

export function defineHostBridge(): void {
  defineRegister(HOST_BRIDGE, Header.Identity, HOST_BRIDGE_IDENTITY, 0);
  defineRegister(HOST_BRIDGE, Header.ClassRevision, HOST_BRIDGE_CLASS, 0);
}

/** The interrupt pin of an assigned function reads 0: it has no INTx. That of the disk is routed, as firmware would leave it. */
export function defineHeader(index: u32): void {
  const device = deviceOf(index);
  defineRegister(device, Header.Identity, functionField(index, FunctionMailbox.Identity), 0);
  defineRegister(device, Header.Command, Command.CapabilitiesList, COMMAND_WRITABLE);
  defineRegister(device, Header.ClassRevision, functionField(index, FunctionMailbox.ClassRevision), 0);
  defineRegister(device, Header.CacheLine, 0, CACHE_LINE_SIZE);
  for (let bar: u32 = 0; bar < BAR_COUNT; bar++) defineBar(index, bar);
  defineRegister(device, Header.Subsystem, functionField(index, FunctionMailbox.Subsystem), 0);
  defineRegister(device, Header.InterruptLine, index == DISK_FUNCTION ? INTERRUPT_PIN_A | GSI_DISK : 0, INTERRUPT_LINE);
}

/** Sizing works by itself: the bits below the size cannot be written. */
function defineBar(index: u32, bar: u32): void {
  const size = barSize(index, bar);
  if (size == 0) return;
  const flags = barFlags(index, bar);
  const writable = ~(size - 1);
  const address = barAddress(index, bar) & writable;
  const register = Header.BaseAddress + (bar << 2);
  defineRegister(deviceOf(index), register, <u32>address | flags, <u32>writable);
  if ((flags & BaseAddress.Wide) != 0 && bar + 1 < BAR_COUNT) defineRegister(deviceOf(index), register + 4, <u32>(address >> 32), <u32>(writable >> 32));
}
