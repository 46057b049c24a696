// Fields of the DMAR table's header, VT-d 4.1 8.1.

import { load8 } from "../../../../kernel/memory/physical";
import { Table, TableFlag } from "./layout";
import { refuse } from "./status";

/** MAXPHYADDR is at most this. */
const MAXIMUM_WIDTH: u32 = 52;

let width: u32 = 0;
let flags: u8 = 0;

export function clearHeader(): void {
  width = 0;
  flags = 0;
}

/** Reads the header of the table at `table`; false if it is refused. */
export function parseHeader(table: u64): bool {
  width = <u32>load8(table + Table.HostAddressWidth) + 1;
  if (width > MAXIMUM_WIDTH) return refuse(Table.HostAddressWidth, "host address width above 52 bits");
  flags = load8(table + Table.Flags);
  return true;
}

/** Whether DMA can reach every byte up to `last`. */
export function isAddressable(last: u64): bool {
  return last >> width == 0;
}

/** Bits of a physical address that DMA can reach, 0 before parseDmar(). */
export function hostAddressWidth(): u32 { return width; }

/** INTR_REMAP: the platform supports interrupt remapping. */
export function interruptRemappingAllowed(): bool {
  return (flags & <u8>TableFlag.INTR_REMAP) != 0;
}
