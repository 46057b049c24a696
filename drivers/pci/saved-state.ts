// What a reset takes from a function and the kernel gives back: header, PCI Express control, MSI, and what isolates it.

import { capabilityAt, extendedCapabilityAt } from "./capability";
import { pageRead16, pageRead32, pageWrite16 } from "./config-page";
import { CapabilityId, Command, Express, ExtendedId, Header } from "./registers";
import { clearList, restoreList, save16, save32 } from "./register-list";

/** MSI message control, PCI 3.0 6.8.1.3: 64-bit addresses and a mask register make the capability longer. */
const MSI_CONTROL: u32 = 0x02;
const MSI_LAST_PLAIN: u32 = 0x08;
const MSI_64_BIT: u32 = 1 << 7;
const MSI_MASKABLE: u32 = 1 << 8;
/** MSI-X message control, PCI 3.0 6.8.2.3. */
const MSIX_CONTROL: u32 = 0x02;
/** ACS and ATS control, PCIe 5.0 7.7.8.3 and 10.5.1.3. */
const ACCESS_CONTROL: u32 = 0x06;
const ADDRESS_TRANSLATION_CONTROL: u32 = 0x06;
/** Resizable BAR control, PCIe 5.0 7.8.6.3: one each 8 bytes, the number of them in bits 7:5 of the first. */
const RESIZABLE_CONTROL: u32 = 0x08;
const RESIZABLE_STEP: u32 = 8;
const MAXIMUM_RESIZABLE: u32 = 6;

let command: u32 = 0;

/** Remembers the state of the function at `page`, one function at a time. */
export function saveState(page: u64): void {
  clearList();
  command = pageRead16(page, Header.Command);
  // The size of a BAR decides which of its address bits can be written.
  saveResizableBars(page);
  for (let offset: u32 = Header.BaseAddress; offset < <u32>Header.Size; offset += 4) save32(page, offset);
  save32(page, Header.CacheLine);
  saveExpress(page);
  saveMsi(page);
  const msix = capabilityAt(page, CapabilityId.MsiX);
  if (msix != 0) save16(page, msix + MSIX_CONTROL);
  const accessControl = extendedCapabilityAt(page, ExtendedId.AccessControl);
  if (accessControl != 0) save16(page, accessControl + ACCESS_CONTROL);
  const addressTranslation = extendedCapabilityAt(page, ExtendedId.AddressTranslation);
  if (addressTranslation != 0) save16(page, addressTranslation + ADDRESS_TRANSLATION_CONTROL);
}

/** Writes it back. Bus mastering stays off; the table of MSI-X, which lies in memory, is as the reset left it. */
export function restoreState(page: u64): void {
  restoreList(page);
  pageWrite16(page, Header.Command, command & ~<u32>Command.BusMaster);
}

function saveResizableBars(page: u64): void {
  const offset = extendedCapabilityAt(page, ExtendedId.ResizableBar);
  if (offset == 0) return;
  const count = min((pageRead32(page, offset + RESIZABLE_CONTROL) >> 5) & 7, MAXIMUM_RESIZABLE);
  for (let i: u32 = 0; i < count; i++) save32(page, offset + RESIZABLE_CONTROL + i * RESIZABLE_STEP);
}

function saveExpress(page: u64): void {
  const express = capabilityAt(page, CapabilityId.Express);
  if (express == 0) return;
  save16(page, express + Express.DeviceControl);
  save16(page, express + Express.LinkControl);
  // Version 1 of the capability ends before the second set of registers.
  if ((pageRead16(page, express + Express.Capabilities) & 0xf) < 2) return;
  save16(page, express + Express.DeviceControl2);
  save16(page, express + Express.LinkControl2);
}

function saveMsi(page: u64): void {
  const msi = capabilityAt(page, CapabilityId.Msi);
  if (msi == 0) return;
  const control = pageRead16(page, msi + MSI_CONTROL);
  let last = msi + MSI_LAST_PLAIN;
  if ((control & MSI_64_BIT) != 0) last += 4;
  if ((control & MSI_MASKABLE) != 0) last += 4;
  for (let offset = msi + 4; offset <= last; offset += 4) save32(page, offset);
  // The enable bit comes after the message that it lets go.
  save16(page, msi + MSI_CONTROL);
}
