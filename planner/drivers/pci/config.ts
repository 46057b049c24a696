// Configuration space by segment and source id: through the ECAM where the MCFG table has one, else mechanism 1, which
// reaches segment 0 and 256 bytes.

import { BOOT_DIRECT_END } from "../../../kernel/memory/layout";
import { ecamAddress } from "../acpi/mcfg";
import { mechanism1Page, NO_PAGE } from "../../../drivers/pci/config-page";

/** The page (config-page.ts) of a function, there or not; NO_PAGE where its bus cannot be reached. */
export function configPage(segment: u32, sourceId: u32): u64 {
  const bus = ecamAddress(segment, sourceId >> 8);
  // Core 0 scans while its direct map ends there.
  if (bus != 0 && bus < BOOT_DIRECT_END) return bus + (<u64>(sourceId & 0xff) << 12);
  return segment == 0 ? mechanism1Page(sourceId) : NO_PAGE;
}
