// Configuration space by segment and source id: through the ECAM where the MCFG table has one, else mechanism 1, which
// reaches segment 0 and 256 bytes.

import { BOOT_DIRECT_END } from "../../kernel/memory/layout";
import { ecamAddress, segmentCount, segmentNumber } from "../acpi/mcfg";
import {
  mechanism1Page, NO_PAGE, pageRead16, pageRead32, pageRead8, pageWrite16, pageWrite32, pageWrite8,
} from "./config-page";

/** The page (config-page.ts) of a function, there or not; NO_PAGE where its bus cannot be reached. */
export function configPage(segment: u32, sourceId: u32): u64 {
  const bus = ecamAddress(segment, sourceId >> 8);
  // Core 0 scans while its direct map ends there.
  if (bus != 0 && bus < BOOT_DIRECT_END) return bus + (<u64>(sourceId & 0xff) << 12);
  return segment == 0 ? mechanism1Page(sourceId) : NO_PAGE;
}

/** Whether offsets from 256 on can be reached in this segment. */
export function hasExtendedConfig(segment: u32): bool {
  for (let i: u32 = 0; i < segmentCount(); i++) {
    if (segmentNumber(i) == segment) return true;
  }
  return false;
}

export function configRead8(segment: u32, sourceId: u32, offset: u32): u32 {
  return pageRead8(configPage(segment, sourceId), offset);
}

export function configRead16(segment: u32, sourceId: u32, offset: u32): u32 {
  return pageRead16(configPage(segment, sourceId), offset);
}

export function configRead32(segment: u32, sourceId: u32, offset: u32): u32 {
  return pageRead32(configPage(segment, sourceId), offset);
}

export function configWrite8(segment: u32, sourceId: u32, offset: u32, value: u32): void {
  pageWrite8(configPage(segment, sourceId), offset, value);
}

export function configWrite16(segment: u32, sourceId: u32, offset: u32, value: u32): void {
  pageWrite16(configPage(segment, sourceId), offset, value);
}

export function configWrite32(segment: u32, sourceId: u32, offset: u32, value: u32): void {
  pageWrite32(configPage(segment, sourceId), offset, value);
}
