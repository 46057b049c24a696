// The scan: every function of every bus of every segment, whether a bridge leads there or not.

import { segmentCount, segmentNumber } from "../acpi/mcfg";
import { connectBridges } from "./bridges";
import { capabilityAt } from "../../../drivers/pci/capability";
import { configPage } from "./config";
import { NO_PAGE, pageRead16, pageRead32, pageRead8 } from "../../../drivers/pci/config-page";
import { CapabilityId, DeviceControl2, Express, ExpressType, Header, HeaderLayout } from "../../../drivers/pci/registers";
import { addFunction, clearFunctions, functionAt, functionCount, isBridge, NO_FUNCTION, PciFunction } from "./table";

export { findFunction, functionAt, functionCount, isBridge, MAXIMUM_FUNCTIONS, NO_BUS, NO_FUNCTION, PciFunction } from "./table";

export const enum ScanStatus {
  Done = 0,
  /** There are more than MAXIMUM_FUNCTIONS; those found first are in the table. */
  TooManyFunctions = 1,
  /** The buses of bridge wrongBridge() lead back, or overlap those of another one. */
  BusNumbers = 2,
}

const BUSES: u32 = 256;
const DEVICES: u32 = 32;
const FUNCTIONS: u32 = 8;

/** Fills the table. The bus numbers that firmware gave stay. */
export function scanFunctions(): ScanStatus {
  clearFunctions();
  let hasRoom = scanSegment(0);
  for (let i: u32 = 0; i < segmentCount() && hasRoom; i++) {
    if (!isScanned(i)) hasRoom = scanSegment(segmentNumber(i));
  }
  const isTree = connectBridges();
  if (!hasRoom) return ScanStatus.TooManyFunctions;
  return isTree ? ScanStatus.Done : ScanStatus.BusNumbers;
}

/** The MCFG table may name a segment several times, each with other buses. */
function isScanned(entry: u32): bool {
  if (segmentNumber(entry) == 0) return true;
  for (let i: u32 = 0; i < entry; i++) {
    if (segmentNumber(i) == segmentNumber(entry)) return true;
  }
  return false;
}

/** This and the next: false if the table is full. */
function scanSegment(segment: u32): bool {
  for (let bus: u32 = 0; bus < BUSES; bus++) {
    if (configPage(segment, bus << 8) != NO_PAGE && !scanBus(segment, bus)) return false;
  }
  return true;
}

function scanBus(segment: u32, bus: u32): bool {
  const allFunctions = isBehindAriPort(segment, bus);
  for (let device: u32 = 0; device < DEVICES; device++) {
    const first = (bus << 8) | (device << 3);
    const functions = allFunctions ? FUNCTIONS : functionsOf(segment, first);
    for (let number: u32 = 0; number < functions; number++) {
      if (!record(segment, first | number)) return false;
    }
  }
  return true;
}

/** Functions to look at: a device that is not multi-function may answer for all eight numbers with its only one. */
function functionsOf(segment: u32, first: u32): u32 {
  const page = configPage(segment, first);
  if (isAbsent(pageRead32(page, Header.VendorId))) return 0;
  return (pageRead8(page, Header.HeaderType) & <u32>HeaderLayout.MultiFunction) != 0 ? FUNCTIONS : 1;
}

/** Behind a port with ARI forwarding on, all 256 numbers of the bus are functions of one device, PCIe 5.0 6.13. */
function isBehindAriPort(segment: u32, bus: u32): bool {
  for (let i: u32 = 0; i < functionCount(); i++) {
    const port = functionAt(i);
    if (port.segment != segment || !isBridge(port) || pageRead8(port.page, Header.SecondaryBus) != bus) continue;
    const express = capabilityAt(port.page, CapabilityId.Express);
    if (express == 0) continue;
    if ((pageRead16(port.page, express + Express.DeviceControl2) & DeviceControl2.AriForwardingEnable) != 0) return true;
  }
  return false;
}

/** Patterns that bridges give for a device that is not there. */
function isAbsent(vendor: u32): bool {
  return (vendor & 0xffff) == 0xffff || vendor == 0 || vendor == 0xffff0000;
}

function record(segment: u32, sourceId: u32): bool {
  const page = configPage(segment, sourceId);
  const vendor = pageRead32(page, Header.VendorId);
  if (isAbsent(vendor)) return true;
  const index = addFunction();
  if (index == NO_FUNCTION) return false;
  const found: PciFunction = functionAt(index);
  found.page = page;
  found.segment = segment;
  found.sourceId = sourceId;
  found.vendor = vendor;
  found.classCode = pageRead32(page, Header.ClassRevision) >> 8;
  found.headerType = pageRead8(page, Header.HeaderType);
  found.expressType = expressTypeAt(page);
  found.group = index;
  return true;
}

function expressTypeAt(page: u64): u32 {
  const express = capabilityAt(page, CapabilityId.Express);
  return express == 0 ? ExpressType.None : (pageRead16(page, express + Express.Capabilities) >> 4) & 0xf;
}
