// INVD and WBINVD of the guest.

import { advance } from "../../cpu/backend";
import { wbinvd } from "../../cpu/processor";
import { hasFunctions } from "../functions";

/**
 * Only a device that reads memory behind the caches makes a difference. INVD writes back too: what it would discard
 * may belong to another partition.
 */
export function onCacheFlush(): void {
  if (hasFunctions()) wbinvd();
  advance();
}
